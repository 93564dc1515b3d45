/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: precedence, messages, every kind of value. */
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#include "signaling/address.h"
#include "signaling/config.h"
#include "signaling/ice-server.h"
#include "signaling/upstream.h"

/* arguments: separated by '|'. NULL and *message on refusal. */
static Config *load(const char *arguments, char **message) {
  g_autofree char *line = g_strconcat("recgate", *arguments ? "|" : "", arguments, NULL);
  g_auto(GStrv) argv = g_strsplit(line, "|", -1);
  g_autoptr(GError) error = NULL;
  Config *config = NULL;
  gboolean exit_now = FALSE;
  gboolean ok = config_load((int)g_strv_length(argv), argv, &config, &exit_now, &error);
  g_assert_true(ok == (error == NULL));
  if (error)
    g_assert_null(strchr(error->message, '\n'));
  if (message)
    *message = error ? g_strdup(error->message) : NULL;
  return config;
}

static void refused(const char *arguments, const char *part) {
  g_autofree char *message = NULL;
  g_autoptr(Config) config = load(arguments, &message);
  g_test_message("%s: %s", arguments, message ? message : "(accepted)");
  g_assert_null(config);
  g_assert_nonnull(strstr(message, part));
}

static char *ini(const char *text) {
  char *path = NULL;
  int fd = g_file_open_tmp("recgate-config-XXXXXX", &path, NULL);
  g_assert_true(g_close(fd, NULL) && g_file_set_contents(path, text, -1, NULL));
  return path;
}

static void test_defaults(void) {
  g_autoptr(Config) config = load("", NULL);
  g_assert_cmpstr(config->data_dir, ==, "recgate-data");
  g_assert_cmpstr(config->listen, ==, "127.0.0.1:8480");
  g_assert_cmpstr(config->media, ==, "127.0.0.1:8490");
  g_assert_cmpstr(config->announce[0], ==, "127.0.0.1");
  g_assert_null(config->announce[1]);
  g_assert_cmpint(config->lease_ms, ==, 5000);
  g_assert_cmpint(config->heartbeat_ms, ==, 1000);
  g_assert_cmpint(config->absent_ms, ==, 30000);
  g_assert_cmpstr(config->request_roles[0], ==, "expert");
  g_assert_cmpint(config->segment_s, ==, 5);
  g_assert_cmpint(config->max_participants, ==, 4);
  g_assert_null(config->origins);
  g_assert_null(config->secret_file);
  g_assert_null(config->sfu_janus);
  g_assert_cmpuint(config_people_max(config), ==, 4);
}

static void test_sfu(void) {
  static const struct {
    const char *url, *host, *path;
    guint16 port;
  } rows[] = {{"ws://127.0.0.1:8188", "127.0.0.1", "/", 8188},
              {"ws://localhost/janus", "127.0.0.1", "/janus", 80},
              {"ws://[::1]:9/", "::1", "/", 9}};
  for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
    UpstreamUrl url = {0};
    g_assert_true(upstream_url_parse(rows[i].url, &url));
    g_assert_cmpstr(url.host, ==, rows[i].host);
    g_assert_cmpstr(url.path, ==, rows[i].path);
    g_assert_cmpuint(url.port, ==, rows[i].port);
    upstream_url_clear(&url);
  }
  g_autoptr(Config) config = load("--sfu.janus|ws://127.0.0.1:8188", NULL);
  g_assert_cmpstr(config->sfu_janus, ==, "ws://127.0.0.1:8188");
  g_assert_cmpuint(config_people_max(config), ==, 64); /* the mesh's limit is not an SFU's */
  g_autoptr(Config) none = load("--sfu.janus|", NULL);
  g_assert_null(none->sfu_janus);
  g_assert_cmpstr(config->sfu_mode, ==, "janus");
  g_assert_cmpstr(none->sfu_mode, ==, "none");
  g_assert_false(config_has_sfu(none));
  g_autoptr(Config) relays = load("--sfu.mode|relays", NULL);
  g_assert_true(config_has_sfu(relays));
  g_autoptr(Config) whip = load("--sfu.whip|https://sfu.example/whip/{resource}?key=hidden", NULL);
  g_assert_cmpstr(whip->sfu_mode, ==, "relays");
  g_autofree char *described = config_describe(whip);
  g_assert_null(strstr(described, "hidden"));
  g_assert_cmpuint(config_people_max(relays), ==, 64);
}

static void test_precedence(void) {
  g_autofree char *path =
      ini("[consent]\nlease_ms=6000\nabsent_ms=20000\nheartbeat_ms=900\n[signaling]\norigins=https://a.example, https://b.example:8443\n");
  g_autofree char *arguments = g_strdup_printf("--config|%s|--consent.heartbeat_ms=700|--announce|192.0.2.1|--announce=2001:db8::1", path);
  g_setenv("RECGATE_CONSENT_ABSENT_MS", "25000", TRUE);
  g_setenv("RECGATE_CONSENT_HEARTBEAT_MS", "800", TRUE);
  g_autoptr(Config) config = load(arguments, NULL);
  g_unsetenv("RECGATE_CONSENT_ABSENT_MS");
  g_unsetenv("RECGATE_CONSENT_HEARTBEAT_MS");
  g_assert_cmpint(config->lease_ms, ==, 6000);
  g_assert_cmpint(config->absent_ms, ==, 25000);
  g_assert_cmpint(config->heartbeat_ms, ==, 700);
  g_assert_cmpstr(config->origins[1], ==, "https://b.example:8443");
  g_assert_cmpstr(config->announce[1], ==, "2001:db8::1");
  g_autofree char *described = config_describe(config);
  static const char *const lines[] = {"consent.lease_ms = 6000 ",    "# file\n",         "consent.absent_ms = 25000 ", "# environment\n",
                                      "consent.heartbeat_ms = 700 ", "# command line\n", "recording.segment_s = 5 ",   "# default\n"};
  for (guint i = 0; i < G_N_ELEMENTS(lines); i++)
    g_assert_nonnull(strstr(described, lines[i]));
  g_unlink(path);
}

static void check_server(const char *text, const char *scheme, const char *address, guint16 port) {
  IceServer server = {0};
  g_assert_true(ice_server_parse(text, scheme, &server));
  g_assert_cmpstr(server.address, ==, address);
  g_assert_cmpuint(server.port, ==, port);
  g_free(server.address);
}

static void test_sfu_servers(void) {
  g_autoptr(Config) config = load("--sfu.mode|relays|--sfu.ice|full|--sfu.stun|stun:192.0.2.7|--sfu.turn|turn:192.0.2.7:3479?transport=udp|"
                                  "--sfu.turn_user|gate|--sfu.turn_password_file|f|--sfu.relay_only|1",
                                  NULL);
  g_assert_cmpstr(config->sfu_turn_user, ==, "gate");
  check_server(config->sfu_stun, "stun", "192.0.2.7", 3478);
  check_server(config->sfu_turn, "turn", "192.0.2.7", 3479);
  check_server("turn:[2001:db8::7]:3478", "turn", "2001:db8::7", 3478);
  check_server("TURN:2001:db8::7", "turn", "2001:db8::7", 3478);
}

static void test_refused(void) {
  static const struct {
    const char *arguments, *part;
  } rows[] = {
      {"--lissten|x", "unknown option"},
      {"--listen", "needs a value"},
      {"--demo=1", "takes no value"},
      {"stray", "unexpected argument"},
      {"--listen|localhost:1", "ADDR:PORT"},
      {"--listen|127.0.0.1", "ADDR:PORT"},
      {"--media|127.0.0.1:99999", "ADDR:PORT"},
      {"--media|::1:80", "ADDR:PORT"},
      {"--announce|example.org", "literal"},
      {"--sfu.janus|ws://janus.example:8188", "literal"},
      {"--sfu.janus|wss://127.0.0.1:8188", "ws://ADDR:PORT"},
      {"--sfu.janus|ws://u:p@127.0.0.1:8188", "ws://ADDR:PORT"},
      {"--sfu.janus|127.0.0.1:8188", "ws://ADDR:PORT"},
      {"--sfu.mode|sfu", "none, janus or relays"},
      {"--sfu.mode|janus", "needs janus"},
      {"--sfu.mode|relays|--sfu.janus|ws://127.0.0.1:8188", "mode = janus"},
      {"--sfu.mode|none|--sfu.janus|ws://127.0.0.1:8188", "mode = janus"},
      {"--sfu.mode|janus|--sfu.janus|ws://127.0.0.1:1|--sfu.whip|https://sfu.example/whip", "mode = relays"},
      {"--sfu.ice|half", "lite or full"},
      {"--sfu.ice|full", "mode = janus or relays"},
      {"--sfu.stun|stun:192.0.2.7", "mode = janus or relays"},
      {"--sfu.janus|ws://127.0.0.1:1|--sfu.stun|stun:192.0.2.7", "set ice = full"},
      {"--sfu.mode|relays|--sfu.stun|stun:stun.example:3478", "literal"},
      {"--sfu.mode|relays|--sfu.stun|192.0.2.7:3478", "stun:ADDR:PORT"},
      {"--sfu.mode|relays|--sfu.stun|stun:0.0.0.0:3478", "stun:ADDR:PORT"},
      {"--sfu.mode|relays|--sfu.turn|turn:192.0.2.7:3478", "belong together"},
      {"--sfu.mode|relays|--sfu.turn_user|gate", "belong together"},
      {"--sfu.mode|relays|--sfu.turn|turn:192.0.2.7:3478?transport=tcp|--sfu.turn_user|gate|--sfu.turn_password_file|f", "transport=udp"},
      {"--sfu.mode|relays|--sfu.turn|turns:192.0.2.7:3478|--sfu.turn_user|gate|--sfu.turn_password_file|f", "turn:ADDR:PORT"},
      {"--sfu.mode|relays|--sfu.relay_only|1", "needs turn"},
      {"--sfu.whip|ftp://sfu.example/whip", "WHIP endpoint"},
      {"--sfu.whip|https://u:p@sfu.example/whip", "without user"},
      {"--sfu.whip|/whip", "WHIP endpoint"},
      {"--announce|0.0.0.0", "wildcard"},
      {"--consent.lease_ms|5s", "whole number from 500 to 60000"},
      {"--consent.lease_ms|1", "whole number"},
      {"--consent.heartbeat_ms|5000", "below lease_ms"},
      {"--consent.absent_ms|4000", "at least lease_ms"},
      {"--consent.request_roles|boss", "roles are"},
      {"--consent.request_roles|auditor", "roles are"},
      {"--consent.request_roles|", "at least one"},
      {"--signaling.origins|example.org", "origins such as"},
      {"--signaling.origins|https://a/b", "origins such as"},
      {"--signaling.tls_cert|c.pem", "belong together"},
      {"--secret-file|a|--auth.public_key|b", "exclude"},
      {"--signaling.ice_servers|http://x", "stun:"},
      {"--config|/nowhere/recgate.ini", "/nowhere/recgate.ini"},
      {"--data|", "empty"},
  };
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++)
    refused(rows[i].arguments, rows[i].part);
}

static void test_unknown(void) {
  static const struct {
    const char *text, *part;
  } rows[] = {{"[consent]\nleese_ms=1\n", "did you mean [consent] lease_ms"},
              {"[signalling]\nlisten=x\n", "did you mean [signaling] listen"},
              {"[recordings]\n", "did you mean [recording]"},
              {"[signaling]\nlease_ms=1\n", "did you mean [consent] lease_ms"},
              {"[consent]\nlease_ms=x\n", "[consent] lease_ms"},
              {"lease_ms=1\n", "configuration file"}};
  for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
    g_autofree char *path = ini(rows[i].text), *arguments = g_strconcat("--config|", path, NULL);
    refused(arguments, rows[i].part);
    g_unlink(path);
  }
  g_setenv("RECGATE_CONSENT_LEESE_MS", "1", TRUE);
  refused("", "did you mean [consent] lease_ms");
  g_unsetenv("RECGATE_CONSENT_LEESE_MS");
  g_setenv("RECGATE_TEST_THING", "1", TRUE);
  g_autoptr(Config) config = load("", NULL);
  g_assert_nonnull(config);
  g_unsetenv("RECGATE_TEST_THING");
}

static void test_ice_servers(void) {
  g_autoptr(Config) config = load("--signaling.ice_servers|stun:a:1, turn:b", NULL);
  g_assert_cmpstr(config->ice_servers[1], ==, "turn:b");
  g_autoptr(Config) json =
      load("--signaling.ice_servers|[{\"urls\":[\"turn:c\",\"turn:d\"],\"username\":\"u\",\"credential\":\"se\\\"same\"}]", NULL);
  g_assert_nonnull(strstr(json->ice_servers[0], "turn:d"));
  g_assert_null(json->ice_servers[1]);
  g_autofree char *described = config_describe(json);
  g_assert_null(strstr(described, "same"));
  g_assert_nonnull(strstr(described, "\"credential\":\"***\""));
}

static void test_demo(void) {
  g_autoptr(Config) config = load("--demo|--media|0.0.0.0:0", NULL), plain = load("--demo|--data|d", NULL);
  g_assert_true(config->demo);
  g_assert_cmpstr(plain->media, ==, "0.0.0.0:8490");
  g_assert_cmpstr(plain->data_dir, ==, "d");
  g_assert_true(g_path_is_absolute(config->data_dir));
  guint n = g_strv_length(config->announce);
  g_assert_cmpuint(n, >=, 1);
  gboolean loopback_seen = FALSE; /* non-loopback first: Firefox pairs none of those with 127.0.0.1 */
  for (guint i = 0; i < n; i++) {
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(config->announce[i]);
    g_assert_true(!loopback_seen || g_inet_address_get_is_loopback(address));
    loopback_seen = loopback_seen || g_inet_address_get_is_loopback(address);
  }
  g_assert_cmpstr(config->announce[n - 1], ==, "127.0.0.1");
}

static void test_secret(void) {
  g_autofree char *dir = g_dir_make_tmp("recgate-secret-XXXXXX", NULL), *data = g_build_filename(dir, "data", NULL);
  g_autofree char *arguments = g_strconcat("--data|", data, NULL), *path = g_build_filename(data, "secret", NULL);
  g_autoptr(Config) first = load(arguments, NULL), second = load(arguments, NULL);
  g_autofree char *made = NULL, *kept = NULL;
  g_assert_true(config_ensure_secret(first, NULL));
  g_assert_cmpstr(first->secret_file, ==, path);
  g_assert_true(g_file_get_contents(path, &made, NULL, NULL));
  g_assert_cmpuint(strlen(made), ==, 43);
  struct stat info;
  g_assert_cmpint(stat(path, &info), ==, 0);
  g_assert_cmpuint(info.st_mode & 0777, ==, 0600);
  g_assert_cmpint(stat(data, &info), ==, 0);
  g_assert_cmpuint(info.st_mode & 0777, ==, 0700);
  g_assert_true(config_ensure_secret(second, NULL));
  g_assert_true(g_file_get_contents(path, &kept, NULL, NULL));
  g_assert_cmpstr(made, ==, kept);
  g_unlink(path);
  g_rmdir(data);
  g_rmdir(dir);
}

static void test_address(void) {
  static const char *const bad[] = {
      NULL, "", ":80", "a:80", "127.0.0.1", "127.0.0.1:", "127.0.0.1:-1", "127.0.0.1:65536", "[127.0.0.1]:1", "[::1:1", "::1:80"};
  for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
    g_assert_null(address_parse(bad[i]));
  g_autoptr(GInetSocketAddress) six = address_parse("[::1]:0"), four = address_parse("0.0.0.0:65535");
  g_assert_cmpuint(g_inet_socket_address_get_port(four), ==, 65535);
  g_assert_cmpuint(g_inet_socket_address_get_port(six), ==, 0);
}

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/signaling/config/defaults", test_defaults);
  g_test_add_func("/signaling/config/sfu", test_sfu);
  g_test_add_func("/signaling/config/precedence", test_precedence);
  g_test_add_func("/signaling/config/sfu-servers", test_sfu_servers);
  g_test_add_func("/signaling/config/refused", test_refused);
  g_test_add_func("/signaling/config/unknown", test_unknown);
  g_test_add_func("/signaling/config/ice-servers", test_ice_servers);
  g_test_add_func("/signaling/config/demo", test_demo);
  g_test_add_func("/signaling/config/secret", test_secret);
  g_test_add_func("/signaling/address/parse", test_address);
  return g_test_run();
}
