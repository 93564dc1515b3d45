/* SPDX-License-Identifier: Apache-2.0 */
/* Letters and what the gate adds to a disclosure: all of it, in its language, from templates that are checked (R1, R5). */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "signaling/disclosure.h"
#include "signaling/letter.h"

static json_t *disclosure(const char *language) {
  const DisclosureContext context = {"Clinic", "privacy@clinic.example", "s1", "2026-03-01T10:00:00.000Z", 0};
  json_t *given = json_pack("{s:s, s:s, s:s, s:s, s:[s, s], s:[], s:I, s:s, s:s}", "purpose", "education", "purpose_text",
                            "A {use} seminar", "use", "Shown twice", "storage", "Encrypted", "access", "Ann", "Bo", "third_parties",
                            "retention_s", (json_int_t)172800, "on_withdrawal", "participant", "language", language);
  g_autoptr(GError) error = NULL;
  json_t *complete = disclosure_complete(given, &context, &error);
  g_assert_no_error(error);
  json_decref(given);
  return complete;
}

static char *letter(const char *directory, const char *language) {
  g_autoptr(GError) error = NULL;
  g_autoptr(Letters) letters = letters_load(directory, &error);
  g_assert_no_error(error);
  json_t *complete = disclosure(language);
  char *text = letters_write(letters, complete, "Dr. Example");
  json_decref(complete);
  return text;
}

static void check_all_in(const char *text, const char *const *words) {
  for (; *words; words++)
    if (!strstr(text, *words))
      g_error("“%s” is missing in:\n%s", *words, text);
}

static void test_english(void) {
  static const char *const words[] = {"Dr. Example",
                                      "“s1”",
                                      "education – A {use} seminar",
                                      "Shown twice",
                                      "Encrypted",
                                      "2 days",
                                      "Ann, Bo",
                                      "nobody",
                                      "You may say no",
                                      "withdraw at any time: before, during and after",
                                      "beats any hold",
                                      "by echo",
                                      "recorded of the person who withdraws is erased",
                                      "Clinic",
                                      "privacy@clinic.example",
                                      NULL};
  g_autofree char *text = letter(NULL, "en-GB");
  check_all_in(text, words);
}

static void test_spanish(void) {
  static const char *const words[] = {"Dr. Example",
                                      "«s1»",
                                      "formación",
                                      "2 días",
                                      "nadie",
                                      "Puede decir que no",
                                      "antes, durante y después",
                                      "prevalece",
                                      "por el eco",
                                      "de la persona que lo retira",
                                      NULL};
  g_autofree char *text = letter(NULL, "ES");
  check_all_in(text, words);
  g_assert_null(strstr(text, "withdraw"));
}

/* R1: the statements are in the hashed text, in its language, or say why they are not. */
static void test_statements(void) {
  static const struct {
    const char *language, *begins;
    gsize n;
  } cases[] = {
      {"en", "Anyone may withdraw", 3}, {"es-MX", "Cualquier persona", 3}, {"de", "Anyone may withdraw", 4}, {"estonian", "Anyone", 4}};
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
    json_t *complete = disclosure(cases[i].language);
    const json_t *statements = json_object_get(complete, "statements");
    g_assert_cmpuint(json_array_size(statements), ==, cases[i].n);
    g_assert_true(g_str_has_prefix(json_string_value(json_array_get(statements, 0)), cases[i].begins));
    if (cases[i].n == 4)
      g_assert_nonnull(strstr(json_string_value(json_array_get(statements, 3)), cases[i].language));
    json_decref(complete);
  }
  g_autofree char *text = letter(NULL, "de");
  g_assert_nonnull(strstr(text, "does not speak “de”"));
}

static char *directory_with(const char *name, const char *text, gssize n) {
  char *dir = g_dir_make_tmp("recgate-letter-XXXXXX", NULL);
  g_autofree char *path = g_build_filename(dir, name, NULL);
  g_assert_true(g_file_set_contents(path, text, n, NULL));
  return dir;
}

static void remove_with(char *dir, const char *name) {
  g_autofree char *path = g_build_filename(dir, name, NULL);
  g_unlink(path);
  g_rmdir(dir);
  g_free(dir);
}

#define WHOLE "{asker} {purpose} {use} {storage} {kept} {access} {third_parties} {rights}\n{statements} {controller} {contact}\n"

static void test_own(void) {
  char *dir = directory_with("letter.de.txt", "Sehr geehrte Damen und Herren, " WHOLE, -1);
  g_autofree char *german = letter(dir, "de");
  g_autofree char *english = letter(dir, "en");
  g_assert_true(g_str_has_prefix(german, "Sehr geehrte Damen und Herren, Dr. Example education"));
  g_assert_true(g_str_has_prefix(english, "Subject:"));
  remove_with(dir, "letter.de.txt");
}

static void check_refused(const char *name, const char *text, gssize n, const char *says) {
  g_autoptr(GError) error = NULL;
  char *dir = directory_with(name, text, n);
  Letters *letters = letters_load(dir, &error);
  g_assert_null(letters);
  if (!strstr(error->message, says))
    g_error("“%s” is missing in: %s", says, error->message);
  g_assert_null(strchr(error->message, '\n'));
  remove_with(dir, name);
}

static void test_refused(void) {
  g_autofree char *large = g_strnfill(LETTER_TEMPLATE_BYTES_MAX + 1, 'x');
  check_refused("letter.en.txt", "Dear {name},\n" WHOLE, -1, "letter.en.txt line 1: “{name}");
  check_refused("letter.en.txt", WHOLE "a lone } brace", -1, "line 3");
  check_refused("letter.en.txt", WHOLE "\n{use", -1, "line 4");
  check_refused("letter.en.txt", WHOLE "{use\n}", -1, "line 3");
  check_refused("letter.en.txt", "{asker} {purpose}", -1, "lacks {use}");
  check_refused("letter.en.txt", "\xff", -1, "UTF-8");
  check_refused("letter.en.txt", "a\0b", 3, "UTF-8");
  check_refused("letter.en.txt", large, -1, "16384");
  check_refused("letter.EN.txt", WHOLE, -1, "lower case");
  check_refused("brief.txt", WHOLE, -1, "there is no letter.LANGUAGE.txt");
  g_autoptr(GError) error = NULL;
  Letters *letters = letters_load("/nonexistent/letters", &error);
  g_assert_null(letters);
  g_assert_nonnull(strstr(error->message, "template_dir"));
}

static void test_duration(void) {
  static const struct {
    gint64 seconds;
    const char *english, *spanish;
  } cases[] = {{1, "1 second", "1 segundo"},
               {90, "90 seconds", "90 segundos"},
               {3600, "1 hour", "1 hora"},
               {86400, "1 day", "1 día"},
               {730LL * 86400, "2 years", "2 años"}};
  g_autoptr(Letters) letters = letters_load(NULL, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
    for (guint spanish = 0; spanish < 2; spanish++) {
      json_t *complete = disclosure(spanish ? "es" : "en");
      json_object_set_new(complete, "retention_s", json_integer(cases[i].seconds));
      g_autofree char *text = letters_write(letters, complete, "X");
      g_autofree char *line = g_strconcat(": ", spanish ? cases[i].spanish : cases[i].english, "\n", NULL);
      g_assert_nonnull(strstr(text, line));
      json_decref(complete);
    }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/letter/english-R1", test_english);
  g_test_add_func("/signaling/letter/spanish-R1", test_spanish);
  g_test_add_func("/signaling/letter/statements-R1", test_statements);
  g_test_add_func("/signaling/letter/own", test_own);
  g_test_add_func("/signaling/letter/refused", test_refused);
  g_test_add_func("/signaling/letter/duration", test_duration);
  return g_test_run();
}
