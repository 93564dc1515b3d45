/* SPDX-License-Identifier: Apache-2.0 */
/* Which segments an export takes: all, or a part that can be decoded and lies in one time. */
#include "pipelines/recording/export-plan.h"

static char *time_text(gint64 s) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(1767261600 + s);
  return g_date_time_format(at, "%Y-%m-%dT%H:%M:%S.000Z");
}

static void add(json_t *list, guint id, const char *medium, guint seq, gint64 from_s, gint64 to_s, gboolean continues) {
  g_autofree char *start = time_text(from_s), *end = time_text(to_s);
  json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s, s:s, s:i, s:b, s:s, s:s, s:s}", "id", id, "take", 1, "participant", "ben",
                                        "track", medium, "medium", medium, "seq", seq, "continues", continues, "start", start, "end", end,
                                        "state", "kept"));
}

/* Ten of audio of 5 s (ids 0…9), five of video of 10 s (ids 100…104), the fourth of which continues the third. */
static json_t *listing(void) {
  json_t *list = json_array();
  for (guint i = 0; i < 10; i++)
    add(list, i, "audio", i, 5 * i, 5 * i + 5, FALSE);
  for (guint i = 0; i < 5; i++)
    add(list, 100 + i, "video", i, 10 * i, 10 * i + 10, i == 3);
  return list;
}

static char *taken(const ExportRange *range) {
  json_t *list = listing();
  g_autoptr(GError) error = NULL;
  g_autoptr(ExportPlan) plan = export_plan_new(list, "ben", range, &error);
  GString *text = g_string_new(NULL);
  for (guint i = 0; plan != NULL && i < plan->stretches->len; i++) {
    const ExportStretch *stretch = plan->stretches->pdata[i];
    for (guint s = 0; s < stretch->segments->len; s++)
      g_string_append_printf(text, "%s%" G_GUINT64_FORMAT, text->len > 0 ? " " : "", g_array_index(stretch->segments, guint64, s));
  }
  if (plan == NULL)
    g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_NOTHING_KEPT);
  json_decref(list);
  return g_string_free(text, FALSE);
}

static void test_range(void) {
  static const struct {
    ExportRange range;
    const char *ids;
  } cases[] = {
      {{.take = 1}, "0 1 2 3 4 5 6 7 8 9 100 101 102 103 104"},
      {{.take = 1, .part = TRUE, .from = 2, .to = 3}, "2 3 101"},                    /* 10 to 20 s */
      {{.take = 1, .part = TRUE, .from = 6, .to = 6}, "6 102 103"},                  /* what continues brings what it needs */
      {{.take = 1, .part = TRUE, .from = 4, .to = 4, .medium = "video"}, "8 9 104"}, /* numbered as that medium's */
      {{.take = 1, .part = TRUE, .from = 8, .to = G_MAXUINT32, .medium = NULL}, "8 9 104"},
      {{.take = 1, .part = TRUE, .from = 50, .to = 60}, ""},
      {{.take = 2}, ""},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autofree char *ids = taken(&cases[i].range);
    g_assert_cmpstr(ids, ==, cases[i].ids);
  }
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/recording/plan/a-part-can-be-decoded-and-lies-in-one-time", test_range);
  return g_test_run();
}
