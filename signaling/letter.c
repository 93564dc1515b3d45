/* SPDX-License-Identifier: Apache-2.0 */
#include "signaling/letter.h"

#include <gio/gio.h>
#include <string.h>

#include "signaling/letter-words.h"

G_DEFINE_QUARK(letter - error, letter_error)

#define RESOURCES "/recgate/letters"
#define PREFIX    "letter."
#define SUFFIX    ".txt"

struct Letters {
  GHashTable *templates; /* language -> text */
};

typedef struct Content {
  const json_t *disclosure;
  const char *asker;
  const LetterWords *words;
} Content;

/* --- what stands in the place of a placeholder; g_free it --- */

static const char *text_of(const Content *content, const char *field) {
  const char *text = json_string_value(json_object_get(content->disclosure, field));
  return text != NULL ? text : "";
}

static char *asker(const Content *content, const char *field) {
  (void)field;
  return g_strdup(content->asker);
}

static char *field(const Content *content, const char *name) {
  return g_strdup(text_of(content, name));
}

static char *rights(const Content *content, const char *name) {
  (void)name;
  return g_strdup(content->words->rights);
}

static char *purpose(const Content *content, const char *name) {
  const char *word = text_of(content, name), *own = text_of(content, "purpose_text");
  for (guint i = 0; i < LETTER_PURPOSES; i++)
    if (g_str_equal(word, letter_purposes[i]))
      word = content->words->purposes[i];
  return *own != '\0' ? g_strconcat(word, " – ", own, NULL) : g_strdup(word);
}

static char *list(const Content *content, const char *name) {
  const json_t *all = json_object_get(content->disclosure, name);
  if (json_array_size(all) == 0)
    return g_strdup(content->words->nobody);
  GString *joined = g_string_new(NULL);
  for (gsize i = 0; i < json_array_size(all); i++)
    g_string_append_printf(joined, "%s%s", i > 0 ? ", " : "", json_string_value(json_array_get(all, i)));
  return g_string_free(joined, FALSE);
}

static char *lines(const Content *content, const char *name) {
  const json_t *all = json_object_get(content->disclosure, name);
  GString *joined = g_string_new(NULL);
  for (gsize i = 0; i < json_array_size(all); i++)
    g_string_append_printf(joined, "%s%s", i > 0 ? "\n" : "", json_string_value(json_array_get(all, i)));
  return g_string_free(joined, FALSE);
}

/* In the largest unit that leaves no rest. */
static char *duration(const Content *content, const char *name) {
  static const gint64 UNIT_S[LETTER_UNITS] = {365 * 86400, 86400, 3600, 60, 1};
  const gint64 seconds = json_integer_value(json_object_get(content->disclosure, name));
  guint unit = 0;
  while (seconds % UNIT_S[unit] != 0)
    unit++;
  const gint64 count = seconds / UNIT_S[unit];
  return g_strdup_printf("%" G_GINT64_FORMAT " %s", count, count == 1 ? content->words->units[unit].one : content->words->units[unit].many);
}

static const struct {
  const char *name;
  char *(*write)(const Content *content, const char *field);
  const char *field;
  gboolean required;
} PLACEHOLDERS[] = {
    {"asker", asker, NULL, TRUE},
    {"purpose", purpose, "purpose", TRUE},
    {"use", field, "use", TRUE},
    {"storage", field, "storage", TRUE},
    {"kept", duration, "retention_s", TRUE},
    {"access", list, "access", TRUE},
    {"third_parties", list, "third_parties", TRUE},
    {"rights", rights, NULL, TRUE},
    {"statements", lines, "statements", TRUE},
    {"controller", field, "controller", TRUE},
    {"contact", field, "contact", TRUE},
    {"session", field, "session", FALSE},
    {"requested_at", field, "requested_at", FALSE},
};

/* -1: unknown */
static gint placeholder_find(const char *name, gsize n) {
  for (gsize i = 0; i < G_N_ELEMENTS(PLACEHOLDERS); i++)
    if (strlen(PLACEHOLDERS[i].name) == n && strncmp(PLACEHOLDERS[i].name, name, n) == 0)
      return (gint)i;
  return -1;
}

/* --- checking a template --- */

static gboolean bad(GError **error, const char *file, const char *text, const char *at, const char *what) {
  guint line = 1;
  for (const char *c = text; c < at; c++)
    line += *c == '\n';
  const gsize shown = MIN(strcspn(at, "\n"), 40);
  g_set_error(error, LETTER_ERROR, LETTER_ERROR_TEMPLATE, "%s line %u: “%.*s” %s", file, line, (int)shown, at, what);
  return FALSE;
}

static gboolean check(const char *file, const char *text, GError **error) {
  gboolean there[G_N_ELEMENTS(PLACEHOLDERS)] = {FALSE};
  for (const char *at = text + strcspn(text, "{}"); *at != '\0'; at += strcspn(at, "{}")) {
    const gsize n = strcspn(at + 1, "{}\n");
    const gint found = *at == '{' && at[n + 1] == '}' ? placeholder_find(at + 1, n) : -1;
    if (found < 0)
      return bad(error, file, text, at, "is no placeholder; the known ones are in docs/written-consent.md, and braces have no other use");
    there[found] = TRUE;
    at += n + 2;
  }
  for (gsize i = 0; i < G_N_ELEMENTS(PLACEHOLDERS); i++)
    if (PLACEHOLDERS[i].required && !there[i]) {
      g_set_error(error, LETTER_ERROR, LETTER_ERROR_TEMPLATE, "%s lacks {%s}: a letter without it would not say all that it must (R1)",
                  file, PLACEHOLDERS[i].name);
      return FALSE;
    }
  return TRUE;
}

/* --- loading --- */

static gboolean language_is_valid(const char *language) {
  const gsize n = strlen(language);
  return n >= 2 && n <= 8 && strspn(language, "abcdefghijklmnopqrstuvwxyz") == n;
}

/* name as letter.en.txt; bytes are not NUL-terminated. */
static gboolean take(Letters *letters, const char *shown, const char *name, const char *bytes, gsize n, GError **error) {
  g_autofree char *language = g_strndup(name + strlen(PREFIX), strlen(name) - strlen(PREFIX) - strlen(SUFFIX));
  if (!language_is_valid(language)) {
    g_set_error(error, LETTER_ERROR, LETTER_ERROR_FILE, "%s: name it letter.LANGUAGE.txt with a language such as en, in lower case", shown);
    return FALSE;
  }
  if (n > LETTER_TEMPLATE_BYTES_MAX || !g_utf8_validate_len(bytes, n, NULL)) {
    g_set_error(error, LETTER_ERROR, LETTER_ERROR_FILE, "%s: a template is UTF-8 text of at most %d bytes", shown,
                LETTER_TEMPLATE_BYTES_MAX);
    return FALSE;
  }
  g_autofree char *text = g_strndup(bytes, n);
  if (!check(shown, text, error))
    return FALSE;
  g_hash_table_replace(letters->templates, g_steal_pointer(&language), g_steal_pointer(&text));
  return TRUE;
}

static gboolean is_template(const char *name) {
  return g_str_has_prefix(name, PREFIX) && g_str_has_suffix(name, SUFFIX) && strlen(name) > strlen(PREFIX) + strlen(SUFFIX);
}

static gboolean load_built_in(Letters *letters, GError **error) {
  g_auto(GStrv) names = g_resources_enumerate_children(RESOURCES, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
  for (gsize i = 0; names != NULL && names[i] != NULL; i++) {
    g_autofree char *path = g_strconcat(RESOURCES "/", names[i], NULL);
    g_autoptr(GBytes) bytes = g_resources_lookup_data(path, G_RESOURCE_LOOKUP_FLAGS_NONE, error);
    if (bytes == NULL || !take(letters, names[i], names[i], g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), error))
      return FALSE;
  }
  return names != NULL;
}

static gboolean load_directory(Letters *letters, const char *directory, GError **error) {
  g_autoptr(GDir) dir = g_dir_open(directory, 0, error);
  guint found = 0;
  if (dir == NULL) {
    g_prefix_error(error, "[letter] template_dir: ");
    return FALSE;
  }
  for (const char *name = g_dir_read_name(dir); name != NULL; name = g_dir_read_name(dir)) {
    if (!is_template(name))
      continue;
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autofree char *bytes = NULL;
    gsize n = 0;
    if (!g_file_get_contents(path, &bytes, &n, error) || !take(letters, path, name, bytes, n, error))
      return FALSE;
    found++;
  }
  if (found == 0)
    g_set_error(error, LETTER_ERROR, LETTER_ERROR_FILE, "[letter] template_dir: there is no letter.LANGUAGE.txt in %s", directory);
  return found > 0;
}

Letters *letters_load(const char *directory, GError **error) {
  g_autoptr(Letters) letters = g_new0(Letters, 1);
  letters->templates = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
  if (!load_built_in(letters, error) || (directory != NULL && !load_directory(letters, directory, error)))
    return NULL;
  return g_steal_pointer(&letters);
}

void letters_free(Letters *letters) {
  if (letters == NULL)
    return;
  g_hash_table_unref(letters->templates);
  g_free(letters);
}

/* --- writing --- */

char *letters_write(const Letters *letters, const json_t *disclosure, const char *asker_name) {
  const char *tag = json_string_value(json_object_get(disclosure, "language"));
  g_autofree char *language = letter_language(tag);
  const char *text = g_hash_table_lookup(letters->templates, language);
  const Content content = {disclosure, asker_name != NULL ? asker_name : "", letter_words(tag, NULL)};
  GString *letter = g_string_new(NULL);
  if (text == NULL)
    text = g_hash_table_lookup(letters->templates, "en");
  for (;;) {
    const gsize plain = strcspn(text, "{");
    g_string_append_len(letter, text, (gssize)plain);
    if (text[plain] == '\0')
      break;
    const char *name = text + plain + 1;
    const gsize n = strcspn(name, "}");
    const gint found = placeholder_find(name, n); /* checked when it was loaded */
    g_autofree char *value = PLACEHOLDERS[found].write(&content, PLACEHOLDERS[found].field);
    g_string_append(letter, value);
    text = name + n + 1;
  }
  return g_string_free(letter, FALSE);
}
