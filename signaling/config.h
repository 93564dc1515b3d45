/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: defaults, then the INI file (GKeyFile), then RECGATE_SECTION_KEY, then the command line; each value knows where it came from.
 *
 * Threads: read at start, immutable afterwards. */
#ifndef RECGATE_CONFIG_H
#define RECGATE_CONFIG_H

#include <glib.h>

#define CONFIG_ERROR (config_error_quark())
GQuark config_error_quark(void);
typedef enum ConfigError { CONFIG_ERROR_USAGE, CONFIG_ERROR_FILE, CONFIG_ERROR_VALUE, CONFIG_ERROR_UNKNOWN_KEY } ConfigError;

/* Stands in disclosures where nobody was named: true, but of little use to who reads it, so the daemon warns at start. */
#define CONFIG_CONTROLLER_UNNAMED "the operator of this service"

typedef struct Config {
  char *data_dir;                                   /* --data, [storage] data */
  char *listen, *media;                             /* [signaling] */
  char **announce, **origins, **ice_servers;        /* [signaling]; ice_servers: JSON objects or stun:/turn: URLs */
  char *tls_cert, *tls_key;
  char *controller_name, *controller_contact;       /* [controller] */
  char *secret_file, *public_key;                   /* [auth] */
  gint64 lease_ms, heartbeat_ms, absent_ms;         /* [consent] */
  char **request_roles;
  gint64 requests_max;                              /* [consent] requests a session */
  gint64 segment_s, max_participants;               /* [recording] */
  gint64 retention_max_s;                           /* [recording] a disclosure that asks for more is refused */
  char *head_file;                                  /* [ledger] NULL: none */
  gint64 personal_data_s;                           /* [ledger] 0: nobody is forgotten by themselves */
  char *origin;                                     /* [ledger] the log's name; NULL: a random one */
  char *template_dir;                               /* [letter]; NULL: built-in letters only */
  gint64 early_s, grace_s;                          /* [sessions] the door of a planned one */
  char *webhook_url, *webhook_secret_file, *smtp_url, *smtp_from, *smtp_to, *smtp_user, *smtp_password_file, *reports_ca_file; /* [reports] */
  gint64 reports_allow_plain, reports_retry_ms, reports_give_up_s;
  char *sfu_mode;                                   /* [sfu] "none" | "janus" | "relays"; never NULL once loaded */
  char *sfu_janus;                                  /* [sfu] where Janus's WebSocket is (upstream.h); NULL: not this one */
  char *sfu_janus_token_file, *sfu_janus_secret_file; /* what Janus itself wants of its clients; NULL: nothing */
  char *sfu_ice;                                    /* "lite" | "full": the gate's legs towards it (call.h) */
  char *sfu_stun, *sfu_turn;                        /* of full ones: stun:ADDR:PORT, turn:ADDR:PORT (ice-server.h); NULL: none */
  char *sfu_turn_user, *sfu_turn_password_file;
  gint64 sfu_relay_only;                            /* 1: nothing but the TURN server's addresses */
  char *sfu_whip, *sfu_whip_token_file;             /* WHIP server behind the gate, with {session}, {participant}, {resource}; the token it wants */
  gint64 workers;                                   /* [media] workers; 0: one a core */
  gint64 coalesce_us;                               /* longest time that packets gather under load */
  gint64 sessions_max, sockets_max, sockets_per_address_max, messages_per_s_max, socket_queue_bytes_max; /* [limits] */
  gboolean demo, print_config;
  GHashTable *sources;                              /* "section.key" -> "default" | "file" | "environment" | "command line" | "demo" */
} Config;

/* argv as main got it. FALSE with a one-line message that says what to do. --help and --version print, set *exit_now and leave *config alone.
 * announce is filled in: the bound address, or the machine's where it is a wildcard (non-loopback first). data_dir is always set. */
gboolean config_load(int argc, char **argv, Config **config, gboolean *exit_now, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Without a secret_file and a public_key: makes DATA/secret (0600, 32 random bytes as base64url) at first start, and names it in secret_file. */
gboolean config_ensure_secret(Config *config, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* People's media go to an SFU, by /janus or by relays: sessions build no mesh. */
gboolean config_has_sfu(const Config *config);
/* People in a session: a mesh has a limit of its own (max_participants), an SFU's is the consent core's. */
guint config_people_max(const Config *config);
void config_free(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_free)
/* One line a key: section.key = value  # default|file|environment|command line. Secrets masked. */
char *config_describe(const Config *config);

#endif
