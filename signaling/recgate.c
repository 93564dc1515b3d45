/* SPDX-License-Identifier: Apache-2.0 */
/* recgate: the daemon. Puts the rooms together, prints one line when it serves, ends cleanly on SIGTERM. */
#include <glib-unix.h>
#include <gst/gst.h>
#include <sched.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "gate/ledger/note.h"
#include "gate/vault/head.h"
#include "signaling/address.h"
#include "signaling/api-export.h"
#include "signaling/ice-server.h"
#include "signaling/janus-http-session.h"
#include "signaling/janus-list.h"
#include "signaling/letter.h"
#include "signaling/notify.h"
#include "signaling/relay.h"
#include "signaling/report-transfer.h"
#include "signaling/reports.h"
#include "signaling/whip-upstream.h"

/* One worker's ring: 4 MiB is about two seconds of 12 recorded people at 1.5 Mbit/s. */
#define RING_BYTES (4 * 1024 * 1024)
#define EXIT_USAGE 2

gint64 daemon_now_us(void) {
  struct timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return (gint64)now.tv_sec * G_USEC_PER_SEC + now.tv_nsec / 1000;
}

gint64 daemon_wall_ms(void) {
  return g_get_real_time() / 1000;
}

char *daemon_rfc3339(gint64 wall_ms) {
  g_autoptr(GDateTime) at = g_date_time_new_from_unix_utc(wall_ms / 1000);
  g_autofree char *seconds = g_date_time_format(at, "%Y-%m-%dT%H:%M:%S");
  return g_strdup_printf("%s.%03dZ", seconds, (int)(wall_ms % 1000));
}

/* --- the vault's events --- */

static void on_sealed(const VaultSealed *sealed, gpointer user) {
  Session *session = session_get(user, sealed->session, FALSE);
  if (session != NULL)
    session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_SEALED,
                                           .take = sealed->take,
                                           .segment = sealed->segment,
                                           .last_packet_us = sealed->last_packet_us});
  else
    vault_drop(((Daemon *)user)->vault, sealed->segment, "session_gone");
}

static void on_take_failed(const char *id, guint32 take, const char *why, gpointer user) {
  Session *session = session_get(user, id, FALSE);
  g_warning("event=take_failed session=%s take=%u why=\"%s\"", id, take, why);
  if (session != NULL)
    session_event(session, &(ConsentEvent){.type = CONSENT_EVENT_TAKE_FAILED, .take = take, .reason = CONSENT_REASON_OVERRUN});
}

static void on_health(gboolean healthy, const char *why, gpointer user) {
  Daemon *daemon = user;
  g_message("event=health healthy=%d why=\"%s\"", healthy, why != NULL ? why : "");
  daemon->healthy = healthy;
  g_free(daemon->unhealthy_why);
  daemon->unhealthy_why = g_strdup(why);
  session_health(daemon);
}

/* R19; fault 36: an export in flight is cut. A paused recording is not over as long as its request is open, a session while anybody is in it. */
static gboolean on_overdue(const char *id, guint64 request, gpointer user) {
  Session *session = session_get(user, id, FALSE);
  if (request == 0)
    return session != NULL && session_roster_count(session) > 0;
  const ConsentView view = session != NULL && session->consent != NULL ? consent_view(session->consent) : (ConsentView){0};
  if (view.request_active && view.request == request)
    return TRUE;
  api_export_cut(user, id);
  g_message("event=expired session=%s request=%" G_GUINT64_FORMAT, id, request);
  return FALSE;
}

/* --- starting --- */

/* Media, control and storage threads go first: they are what a withdrawal passes through (R6, R11). Under load on two cores a wake-up took
 * 2 ms at p99 and 35 ms at worst as an ordinary thread, 0.06 and 0.8 ms so. Storage ranks below the two whose steps are short: with 200
 * withdrawals a second on one core the gate was closed after 2 to 5 ms at p99 beside it, after 0.04 so. A thread starts as the one that makes
 * it; recorders, exports and lists stay ordinary. Refused without the right to it (CAP_SYS_NICE, RLIMIT_RTPRIO), which costs only promptness. */
typedef enum Rank { RANK_ORDINARY, RANK_STORAGE, RANK_SHORT_STEPS } Rank;

static void be_prompt(int policy, Rank rank) {
  const struct sched_param priority = {.sched_priority = (int)rank};
  (void)!sched_setscheduler(0, policy, &priority);
}

static gboolean start_vault(Daemon *daemon, GError **error) {
  const VaultEvents events = {on_sealed, on_take_failed, on_health, daemon};
  if (daemon->config->head_file != NULL && !vault_head_check(daemon->config->data_dir, daemon->config->head_file, error))
    return FALSE;
  be_prompt(SCHED_RR, RANK_STORAGE);
  daemon->vault = vault_open(daemon->config->data_dir, daemon->config->origin, daemon->control, &events, error);
  be_prompt(SCHED_OTHER, RANK_ORDINARY);
  daemon->healthy = daemon->vault != NULL && vault_healthy(daemon->vault);
  if (daemon->vault != NULL) /* whoever was in a session before is in none now: an auditor must know */
    vault_append(daemon->vault, NULL, json_pack("{s:s}", "type", "start"), NULL, NULL);
  if (daemon->vault != NULL)
    vault_set_overdue(daemon->vault, on_overdue, daemon);
  if (daemon->vault != NULL)
    vault_set_personal_data(daemon->vault, daemon->config->personal_data_s);
  if (daemon->vault != NULL && daemon->config->head_file != NULL)
    vault_set_head_file(daemon->vault, daemon->config->head_file);
  return daemon->vault != NULL;
}

static gboolean start_key(Daemon *daemon, GError **error) {
  if (daemon->config->public_key != NULL) {
    daemon->key = token_key_public(daemon->config->public_key, error);
    return daemon->key != NULL;
  }
  if (!config_ensure_secret(daemon->config, error))
    return FALSE;
  daemon->key = token_key_secret(daemon->config->secret_file, error);
  return daemon->key != NULL;
}

/* Beside the workers in rank: it holds a leg's lock while a worker waits to send. */
static gboolean start_ice(Daemon *daemon, const char *address, GError **error) {
  const Config *config = daemon->config;
  g_autoptr(GInetAddress) at = g_inet_address_new_from_string(address);
  IceServers servers = {.turn_user = config->sfu_turn_user, .relay_only = config->sfu_relay_only != 0};
  if (!config_has_sfu(config))
    return TRUE;
  if (config->sfu_turn_password_file != NULL && (servers.turn_password = report_secret(config->sfu_turn_password_file, 1, error)) == NULL)
    return FALSE;
  if (config->sfu_stun != NULL)
    (void)ice_server_parse(config->sfu_stun, "stun", &servers.stun); /* config_load has checked both */
  if (config->sfu_turn != NULL)
    (void)ice_server_parse(config->sfu_turn, "turn", &servers.turn);
  servers.bind = g_inet_address_get_is_any(at) ? NULL : address;
  daemon->ice = ice_service_new(&servers);
  note_text_free((char *)servers.turn_password);
  g_free(servers.stun.address);
  g_free(servers.turn.address);
  return TRUE;
}

static gboolean start_media(Daemon *daemon, GError **error) {
  g_autoptr(GInetSocketAddress) at = address_parse(daemon->config->media); /* config_load has checked it */
  g_autofree char *address = g_inet_address_to_string(g_inet_socket_address_get_address(at));
  const guint16 port = g_inet_socket_address_get_port(at);
  daemon->n_lanes = daemon->config->workers > 0 ? (guint)daemon->config->workers : g_get_num_processors();
  daemon->lanes = g_new0(MediaLane, daemon->n_lanes);
  for (guint i = 0; i < daemon->n_lanes; i++) {
    MediaLane *lane = &daemon->lanes[i];
    lane->worker = worker_new(address, port == 0 ? 0 : (guint16)(port + i), error);
    if (lane->worker == NULL)
      return FALSE;
    worker_set_coalescing(lane->worker, (guint)daemon->config->coalesce_us);
    lane->ring = tap_ring_new(RING_BYTES);
    lane->recorder = recorder_new(lane->ring, daemon->control);
    worker_set_after_batch(lane->worker, (void (*)(gpointer))tap_ring_wake, lane->ring);
  }
  be_prompt(SCHED_RR, RANK_SHORT_STEPS);
  const gboolean started = start_ice(daemon, address, error);
  for (guint i = 0; started && i < daemon->n_lanes; i++)
    worker_start(daemon->lanes[i].worker);
  be_prompt(SCHED_OTHER, RANK_ORDINARY);
  return started;
}

static gboolean start_server(Daemon *daemon, GError **error) {
  const Config *config = daemon->config;
  const ServerConfig server = {.listen = config->listen,
                               .origins = (const char *const *)config->origins,
                               .tls_cert = config->tls_cert,
                               .tls_key = config->tls_key,
                               .sockets_max = (guint)config->sockets_max,
                               .sockets_per_address_max = (guint)config->sockets_per_address_max,
                               .messages_per_s_max = (guint)config->messages_per_s_max,
                               .socket_queue_bytes_max = (gsize)config->socket_queue_bytes_max};
  const ServerEvents events = {
      .endpoints = {&messages_endpoint, config->sfu_janus != NULL ? &janus_endpoint : NULL}, .http = api_handle, .user = daemon};
  daemon->server = server_new(&server, &events, daemon->loop, error);
  return daemon->server != NULL;
}

/* --- saying that it serves --- */

static void append_address(GString *line, const char *configured, guint16 port) {
  g_autoptr(GInetSocketAddress) at = address_parse(configured);
  GInetAddress *ip = g_inet_socket_address_get_address(at);
  g_autofree char *text = g_inet_address_to_string(ip);
  g_string_append_printf(line, g_inet_address_get_family(ip) == G_SOCKET_FAMILY_IPV6 ? "[%s]:%u" : "%s:%u", text, port);
}

static void print_ready(const Daemon *daemon) {
  g_autoptr(GString) line = g_string_new("recgate ready http=");
  append_address(line, daemon->config->listen, server_port(daemon->server));
  for (guint i = 0; i < daemon->n_lanes; i++) {
    g_string_append(line, i == 0 ? " media=" : ",");
    append_address(line, daemon->config->media, worker_port(daemon->lanes[i].worker));
  }
  puts(line->str);
  fflush(stdout);
}

static void print_demo_links(const Daemon *daemon) {
  static const struct {
    const char *participant, *name, *page;
    TokenRole role;
  } PEOPLE[] = {{"expert", "Dr. Expert", "/", TOKEN_ROLE_EXPERT},
                {"client", "Client", "/", TOKEN_ROLE_CLIENT},
                {"auditor", "Auditor", "/audit", TOKEN_ROLE_AUDITOR}};
  const char *scheme = daemon->config->tls_cert != NULL ? "https" : "http";
  g_print("\nOpen these two in two windows (each is one person), then record, agree and withdraw:\n");
  for (gsize i = 0; i < G_N_ELEMENTS(PEOPLE); i++) {
    Token token = {.role = PEOPLE[i].role};
    g_strlcpy(token.session, "demo", sizeof token.session);
    g_strlcpy(token.participant, PEOPLE[i].participant, sizeof token.participant);
    g_strlcpy(token.name, PEOPLE[i].name, sizeof token.name);
    g_autofree char *jwt = token_make(daemon->key, &token, daemon_wall_ms() / 1000, 24 * 3600, NULL);
    if (jwt != NULL)
      g_print("  %-8s %s://localhost:%u%s#token=%s\n", PEOPLE[i].participant, scheme, server_port(daemon->server), PEOPLE[i].page, jwt);
  }
  g_print("\nData: %s. Ctrl+C ends it.\n", daemon->config->data_dir);
  fflush(stdout);
}

static gboolean on_signal(gpointer loop) {
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

/* --- ending: takes are closed, what is committed stays --- */

/* Far more than any of it takes; a disk that hangs must not keep the daemon from ending. */
#define STOP_PATIENCE_MS 3000

static gboolean is_quiet(const Daemon *daemon) {
  GHashTableIter iter;
  gpointer session;
  g_hash_table_iter_init(&iter, daemon->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &session))
    if (!session_is_quiet(session))
      return FALSE;
  return daemon->exports->len == 0 && daemon->listings == 0 && daemon->log_reads == 0 && daemon->bundles == 0 &&
         whip_upstream_is_quiet(daemon) && reports_is_quiet(daemon->reports);
}

static gboolean on_patience_over(gpointer over) {
  *(gboolean *)over = TRUE;
  return G_SOURCE_REMOVE;
}

/* What other threads were asked for comes back before anything they use is freed: calls, branches, erases, exports, lists. */
static void settle(Daemon *daemon) {
  gboolean over = FALSE;
  const guint patience = g_timeout_add(STOP_PATIENCE_MS, on_patience_over, &over);
  while (!over && !is_quiet(daemon))
    g_main_context_iteration(daemon->control, TRUE);
  if (!over)
    g_source_remove(patience);
}

static void stop(Daemon *daemon) {
  janus_http_stop(daemon);
  server_free(daemon->server);
  api_export_cut(daemon, NULL);
  g_cancellable_cancel(daemon->ending);
  reports_stop(daemon->reports);
  whip_upstream_stop(daemon);
  GHashTableIter iter;
  gpointer session;
  g_hash_table_iter_init(&iter, daemon->sessions);
  while (g_hash_table_iter_next(&iter, NULL, &session))
    session_shut(session);
  g_clear_pointer(&daemon->janus_list, janus_list_free);
  settle(daemon);
  for (guint i = 0; i < daemon->n_lanes; i++) { /* producers first, then consumers, then what they write into */
    worker_free(daemon->lanes[i].worker);
    recorder_free(daemon->lanes[i].recorder);
    tap_ring_free(daemon->lanes[i].ring);
  }
  ice_service_free(daemon->ice); /* the workers' legs held its agents */
  vault_free(daemon->vault);
  reports_free(daemon->reports); /* its last answers came from the vault */
  whip_upstream_free(daemon);
  g_clear_pointer(&daemon->relays, g_hash_table_unref); /* empty: each ended with its session's calls */
  g_clear_pointer(&daemon->sessions, g_hash_table_unref);
  g_clear_pointer(&daemon->connections, g_hash_table_unref);
  g_clear_pointer(&daemon->janus_entrants, g_hash_table_unref);
  alarms_free(daemon->alarms);
  g_ptr_array_unref(daemon->exports);
  g_object_unref(daemon->ending);
  token_key_free(daemon->key);
  letters_free(daemon->letters);
  g_free(daemon->lanes);
  g_free(daemon->unhealthy_why);
  g_free(daemon->janus_token);
  g_free(daemon->janus_secret);
  g_main_loop_unref(daemon->loop);
}

static gboolean start_letters(Daemon *daemon, GError **error) {
  daemon->letters = letters_load(daemon->config->template_dir, error);
  return daemon->letters != NULL;
}

static void run(Daemon *daemon) {
  GSource *watchdog = notify_watchdog_start(daemon->control);
  notify_send("READY=1");
  g_main_loop_run(daemon->loop);
  notify_send("STOPPING=1");
  if (watchdog != NULL) {
    g_source_destroy(watchdog);
    g_source_unref(watchdog);
  }
}

static int serve(Config *config) {
  g_autoptr(GError) error = NULL;
  Daemon daemon = {.config = config, .control = g_main_context_default(), .loop = g_main_loop_new(NULL, FALSE)};
  daemon.sessions = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)session_free);
  daemon.connections = g_hash_table_new(g_int64_hash, g_int64_equal);
  daemon.relays = relays_new();
  daemon.janus_http = janus_http_sessions_new();
  daemon.alarms = alarms_new(daemon.control, daemon_now_us);
  daemon.exports = g_ptr_array_new();
  daemon.ending = g_cancellable_new();
  gboolean started = start_letters(&daemon, &error) && start_vault(&daemon, &error) && start_key(&daemon, &error) &&
                     start_media(&daemon, &error) && (daemon.reports = reports_new(&daemon, &error)) != NULL &&
                     janus_start(&daemon, &error) && whip_upstream_start(&daemon, &error) && start_server(&daemon, &error);
  if (started) {
    if (g_str_equal(config->controller_name, CONFIG_CONTROLLER_UNNAMED))
      g_warning("event=controller_unnamed advice=\"set [controller] name and contact: every disclosure names who is responsible (R1)\"");
    g_unix_signal_add(SIGTERM, on_signal, daemon.loop);
    g_unix_signal_add(SIGINT, on_signal, daemon.loop);
    print_ready(&daemon);
    if (config->demo)
      print_demo_links(&daemon);
    be_prompt(SCHED_RR | SCHED_RESET_ON_FORK, RANK_SHORT_STEPS);
    run(&daemon);
  } else
    g_printerr("recgate: %s\n", error->message);
  stop(&daemon);
  return started ? 0 : EXIT_USAGE;
}

int main(int argc, char **argv) {
  g_autoptr(Config) config = NULL;
  g_autoptr(GError) error = NULL;
  gboolean exit_now = FALSE;
  signal(SIGPIPE, SIG_IGN);
  if (!vault_process_protect(&error) || sodium_init() < 0 || !config_load(argc, argv, &config, &exit_now, &error)) {
    g_printerr("recgate: %s\n", error != NULL ? error->message : "the cryptographic library does not start");
    return EXIT_USAGE;
  }
  if (exit_now)
    return 0;
  if (config->print_config) {
    g_autofree char *text = config_describe(config);
    g_print("%s", text);
    return 0;
  }
  gst_init(NULL, NULL);
  return serve(config);
}
