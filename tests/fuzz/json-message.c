/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: whatever text a client sends as a message is refused with a reason, or becomes an object that says the same again (fault 17). */
#include "signaling/json.h"
#include "tests/fuzz/fuzz.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  g_autoptr(GError) error = NULL;
  json_t *object = json_text_parse((const char *)data, size, &error);
  if ((object == NULL) != (error != NULL))
    fuzz_found("a refusal without a reason, or a reason without a refusal");
  if (object == NULL) {
    g_assert_null(strchr(error->message, '\n'));
    return 0;
  }
  g_assert_true(json_is_object(object));
  const char *type = json_text_member(object, "type");
  g_assert_true(type == NULL || g_utf8_validate(type, -1, NULL));
  char *text = json_dumps(object, JSON_COMPACT);
  g_assert_nonnull(text);
  json_t *again = json_text_parse(text, strlen(text), NULL);
  /* Escapes may make it longer than a frame may be; then it is refused, and else it is the same. */
  g_assert_true(again != NULL || strlen(text) > JSON_TEXT_BYTES_MAX);
  g_assert_true(again == NULL || json_equal(object, again));
  json_decref(again);
  json_decref(object);
  free(text);
  return 0;
}
