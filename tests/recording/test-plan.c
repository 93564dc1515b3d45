/* SPDX-License-Identifier: Apache-2.0 */
/* Which segments an export takes: all, or a part that can be decoded and lies in one time; and which tracks of the file they make. */
#include "pipelines/recording/export-plan.h"

static char *time_text(gint64 s) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(1767261600 + s);
  return g_date_time_format(at, "%Y-%m-%dT%H:%M:%S.000Z");
}

static void add_to(json_t *list, guint take, const char *track, guint id, const char *medium, guint seq, gint64 from_s, gint64 to_s,
                   gboolean continues) {
  g_autofree char *start = time_text(from_s), *end = time_text(to_s);
  json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s, s:s, s:i, s:b, s:s, s:s, s:s}", "id", id, "take", take, "participant", "ben",
                                        "track", track, "medium", medium, "seq", seq, "continues", continues, "start", start, "end", end,
                                        "state", "kept"));
}

static void add(json_t *list, guint id, const char *medium, guint seq, gint64 from_s, gint64 to_s, gboolean continues) {
  add_to(list, 1, medium, id, medium, seq, from_s, to_s, continues);
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

/* takes: "TRACK TRACK|TRACK", one take after the other; tracks that end in 0 are sound. What comes out: each track's lane, in the same form. */
static char *lanes_of(const char *takes, GError **error) {
  g_auto(GStrv) each = g_strsplit(takes, "|", -1);
  json_t *list = json_array();
  for (guint t = 0; each[t] != NULL; t++) {
    g_auto(GStrv) tracks = g_strsplit(each[t], " ", -1);
    for (guint i = 0; tracks[i] != NULL; i++)
      add_to(list, t + 1, tracks[i], 100 * t + i, g_str_has_suffix(tracks[i], "0") ? "audio" : "video", 0, 10 * t, 10 * t + 10, FALSE);
  }
  g_autoptr(ExportPlan) plan = export_plan_new(list, "ben", &(ExportRange){0}, error);
  GString *text = g_string_new(NULL);
  for (guint i = 0, take = 0; plan != NULL && i < plan->stretches->len; i++) {
    const ExportStretch *stretch = plan->stretches->pdata[i];
    g_string_append_printf(text, "%s%u", i == 0 ? "" : take != stretch->take ? "|" : " ", stretch->lane);
    take = stretch->take;
  }
  json_decref(list);
  return g_string_free(text, FALSE);
}

static void test_lanes(void) {
  static const struct {
    const char *takes, *lanes;
  } cases[] = {
      {"5.0 5.1|5.0 5.1", "0 1|0 1"},
      {"5.0 5.1|5.0 5.2|5.0 5.1 5.2", "0 1|0 2|0 1 2"},                         /* the camera is off while the screen is shown */
      {"5.0 5.1|5.1|5.0 5.1", "0 1|1|0 1"},                                     /* the sound is off */
      {"5.0 5.1|9.0 9.1", "0 1|0 1"},                                           /* a new connection in place of the old one */
      {"5.0 5.1|5.0 5.1 9.0 9.1|9.0 9.1", "0 1|0 2 1 3|2 3"},                   /* beside it, and then alone; in a take sound comes first */
      {"5.1 5.2|5.1|5.1 5.3|5.1|5.1 5.4", "0 1|0|0 1|0|0 1"},                   /* one screen after the other */
      {"5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8|5.9|5.1 5.2", "0 1 2 3 4 5 6 7|2|0 1"}, /* lanes are few */
      {"5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8|5.9|5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8", "0 1 2 3 4 5 6 7|0|0 1 2 3 4 5 6 7"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
    g_autoptr(GError) error = NULL;
    g_autofree char *lanes = lanes_of(cases[i].takes, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(lanes, ==, cases[i].lanes);
  }
}

/* A file without one of them would look whole. */
static void test_too_many(void) {
  g_autoptr(GError) error = NULL;
  g_autofree char *lanes = lanes_of("5.1|5.1 5.2 5.3 5.4 5.5 5.6 5.7 5.8 5.9", &error);
  g_assert_error(error, EXPORT_ERROR, EXPORT_ERROR_MEDIA);
  g_assert_cmpstr(lanes, ==, "");
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/recording/plan/a-part-can-be-decoded-and-lies-in-one-time", test_range);
  g_test_add_func("/recording/plan/a-track-keeps-its-lane", test_lanes);
  g_test_add_func("/recording/plan/more-tracks-than-fit-are-refused", test_too_many);
  return g_test_run();
}
