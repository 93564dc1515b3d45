/* SPDX-License-Identifier: Apache-2.0 */
/* ICE-lite path selection and credentials, with a clock that is advanced by hand. */
#include "pipelines/transport/ice.h"

#include <string.h>

static const LegCredentials local = {"localuf1", "localpassword0123456789012345678"};
static const LegCredentials fresh = {"localuf2", "localpassword9876543210987654321"};

static guint dropped;
static void on_drop(IcePath *path, gpointer owner) {
  (void)path;
  (void)owner;
  dropped++;
}

static Address address_of(guint32 port) {
  return (Address){.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}, .port = port};
}

static IcePath *check(Ice *ice, guint32 port, guint32 priority, gboolean nominate, guint32 generation, gint64 now_us) {
  IceCheck event = {.from = address_of(port), .priority = priority, .generation = generation, .use_candidate = nominate};
  return ice_check(ice, &event, now_us, on_drop);
}

static void start(Ice *ice) {
  dropped = 0;
  ice_init(ice, &local, NULL);
  g_assert_true(ice_set_remote(ice, "peer"));
}

static guint32 selected(const Ice *ice) {
  return ice->selected != NULL ? ice->selected->address.port : 0;
}

static void test_last_valid_before_nomination(void) {
  Ice ice;
  start(&ice);
  g_assert_cmpuint(selected(&ice), ==, 0);
  check(&ice, 1, 500, FALSE, 1, 0);
  check(&ice, 2, 100, FALSE, 1, 1);
  g_assert_cmpuint(selected(&ice), ==, 2);
  ice_clear(&ice);
}

/* Firefox nominates every pair of an ICE-lite peer. */
static void test_nominations_do_not_flap(void) {
  Ice ice;
  start(&ice);
  check(&ice, 1, 500, TRUE, 1, 0);
  for (guint i = 0; i < 100; i++) {
    check(&ice, 2, 100, TRUE, 1, i);
    g_assert_cmpuint(selected(&ice), ==, 1);
    check(&ice, 3, 500, TRUE, 1, i);
    g_assert_cmpuint(selected(&ice), ==, 1);
  }
  check(&ice, 4, 900, FALSE, 1, 100); /* valid alone is not enough after nomination */
  g_assert_cmpuint(selected(&ice), ==, 1);
  check(&ice, 4, 900, TRUE, 1, 101);
  g_assert_cmpuint(selected(&ice), ==, 4);
  check(&ice, 1, 500, TRUE, 1, 102);
  g_assert_cmpuint(selected(&ice), ==, 4);
  ice_clear(&ice);
}

static void test_media_moves(void) {
  Ice ice;
  start(&ice);
  check(&ice, 1, 500, TRUE, 1, 0);
  IcePath *second = check(&ice, 2, 100, FALSE, 1, 1);
  ice_media(&ice, second, 2);
  g_assert_cmpuint(selected(&ice), ==, 2);
  ice_clear(&ice);
}

static void test_media_settles_without_nomination(void) {
  Ice ice;
  start(&ice);
  ice_media(&ice, check(&ice, 1, 500, FALSE, 1, 0), 1);
  check(&ice, 2, 900, FALSE, 1, 2);
  g_assert_cmpuint(selected(&ice), ==, 1);
  ice_clear(&ice);
}

static void test_silence_moves(void) {
  Ice ice;
  start(&ice);
  check(&ice, 1, 500, TRUE, 1, 0);
  check(&ice, 2, 100, TRUE, 1, ICE_SILENCE_US - 1);
  g_assert_cmpuint(selected(&ice), ==, 1);
  check(&ice, 2, 100, FALSE, 1, ICE_SILENCE_US);
  g_assert_cmpuint(selected(&ice), ==, 2);
  ice_clear(&ice);
}

/* Fault 6. */
static void test_thousand_ports_keep_the_path(void) {
  Ice ice;
  start(&ice);
  ice_media(&ice, check(&ice, 1, 100, TRUE, 1, 0), 1);
  for (guint32 port = 1000; port < 2000; port++) {
    check(&ice, port, 100, FALSE, 1, 2 + port);
    g_assert_cmpuint(ice.n_paths, <=, ICE_PATHS_MAX);
    g_assert_cmpuint(selected(&ice), ==, 1);
  }
  g_assert_cmpuint(dropped, ==, 1000 + 1 - ICE_PATHS_MAX);
  ice_clear(&ice);
}

static const IceGeneration *find(const Ice *ice, const char *username) {
  return ice_find(ice, (const guint8 *)username, strlen(username));
}

/* Fault 5: both halves of USERNAME. */
static void test_user_names(void) {
  Ice ice;
  ice_init(&ice, &local, NULL);
  g_assert_null(find(&ice, "localuf1:"));
  g_assert_null(find(&ice, "localuf1:peer")); /* the remote half is not known yet */
  g_assert_true(ice_set_remote(&ice, "peer"));
  g_assert_nonnull(find(&ice, "localuf1:peer"));
  static const char *const wrong[] = {"localuf1:peerx", "localuf1:pee", "localuf1", "localuf1:", "peer:localuf1", "localuf2:peer", ":", ""};
  for (guint i = 0; i < G_N_ELEMENTS(wrong); i++)
    g_assert_null(find(&ice, wrong[i]));
  static const char *const unusable[] = {"", "abc", "with space", "semi;colon", "new\nline"};
  for (guint i = 0; i < G_N_ELEMENTS(unusable); i++)
    g_assert_false(ice_set_remote(&ice, unusable[i]));
  g_assert_false(ice_set_remote(&ice, NULL));
  ice_clear(&ice);
}

/* RFC 8445 section 9: the old credentials and the old path until a pair of the new ones is nominated. */
static void restart(gboolean remote_first) {
  Ice ice;
  start(&ice);
  check(&ice, 1, 900, TRUE, 1, 0);
  if (remote_first) {
    g_assert_true(ice_set_remote(&ice, "reep"));
    ice_restart(&ice, &fresh);
  } else {
    ice_restart(&ice, &fresh);
    g_assert_null(find(&ice, "localuf2:peer"));
    g_assert_true(ice_set_remote(&ice, "reep"));
  }
  const IceGeneration *now = find(&ice, "localuf2:reep");
  g_assert_nonnull(now);
  g_assert_nonnull(find(&ice, "localuf1:peer"));
  g_assert_null(find(&ice, "localuf2:peer"));
  check(&ice, 2, 100, FALSE, now->number, 1);
  g_assert_cmpuint(selected(&ice), ==, 1);
  check(&ice, 2, 100, TRUE, now->number, 2);
  g_assert_cmpuint(selected(&ice), ==, 2); /* of lower priority, but of the new generation */
  g_assert_null(find(&ice, "localuf1:peer"));
  g_assert_nonnull(find(&ice, "localuf2:reep"));
  ice_clear(&ice);
}

static void test_restart(void) {
  restart(FALSE);
  restart(TRUE);
}

/* A restart that was overtaken by another one leaves what works alone. */
static void test_restart_twice(void) {
  static const LegCredentials third = {"localuf3", "localpassword5555555555555555555"};
  Ice ice;
  start(&ice);
  check(&ice, 1, 900, TRUE, 1, 0);
  ice_restart(&ice, &fresh);
  g_assert_true(ice_set_remote(&ice, "reep"));
  ice_restart(&ice, &third);
  g_assert_true(ice_set_remote(&ice, "third"));
  g_assert_nonnull(find(&ice, "localuf1:peer"));
  g_assert_null(find(&ice, "localuf2:reep"));
  g_assert_nonnull(find(&ice, "localuf3:third"));
  ice_clear(&ice);
}

static void test_credentials(void) {
  LegCredentials a, b;
  leg_credentials_new(&a);
  leg_credentials_new(&b);
  g_assert_cmpstr(a.ufrag, !=, b.ufrag);
  g_assert_cmpstr(a.pwd, !=, b.pwd);
  g_assert_cmpuint(strlen(a.ufrag), >=, 4);
  g_assert_cmpuint(strlen(a.pwd), >=, 22);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/transport/ice/last-valid-before-nomination", test_last_valid_before_nomination);
  g_test_add_func("/transport/ice/nominations-do-not-flap", test_nominations_do_not_flap);
  g_test_add_func("/transport/ice/media-moves", test_media_moves);
  g_test_add_func("/transport/ice/media-settles-without-nomination", test_media_settles_without_nomination);
  g_test_add_func("/transport/ice/silence-moves", test_silence_moves);
  g_test_add_func("/transport/ice/fault-6-thousand-ports-keep-the-path", test_thousand_ports_keep_the_path);
  g_test_add_func("/transport/ice/fault-5-user-names", test_user_names);
  g_test_add_func("/transport/ice/restart", test_restart);
  g_test_add_func("/transport/ice/restart-twice", test_restart_twice);
  g_test_add_func("/transport/ice/credentials", test_credentials);
  return g_test_run();
}
