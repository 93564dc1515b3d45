/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration keys: their table, and how each kind of value is checked, stored and shown. */
#include "signaling/config-keys.h"

#include <jansson.h>
#include <string.h>

#include "gate/consent/consent-event.h"
#include "signaling/address.h"
#include "signaling/token.h"
#include "signaling/upstream.h"

#define AT(field) G_STRUCT_OFFSET(Config, field)
#define TEXT(section, name, field, initial, option, argument, help)                                                                        \
  { section, name, CONFIG_KIND_TEXT, AT(field), initial, 0, 0, option, argument, help }
#define LIST(kind, section, name, field, initial, option, argument, help)                                                                  \
  { section, name, kind, AT(field), initial, 0, 0, option, argument, help }
#define NUMBER(section, name, field, initial, min, max, help)                                                                              \
  { section, name, CONFIG_KIND_NUMBER, AT(field), initial, min, max, NULL, NULL, help }

static const ConfigKey keys[] = {
    TEXT("storage", "data", data_dir, "recgate-data", "data", "DIR", "data directory, made at first start (default: recgate-data here)"),
    LIST(CONFIG_KIND_ENDPOINT, "signaling", "listen", listen, "127.0.0.1:8480", "listen", "ADDR:PORT", "HTTP and WebSocket"),
    LIST(CONFIG_KIND_ENDPOINT, "signaling", "media", media, "127.0.0.1:8490", "media", "ADDR:PORT", "first UDP port, one port a worker"),
    LIST(CONFIG_KIND_IPS, "signaling", "announce", announce, NULL, "announce", "IP", "address put into candidates; may be repeated"),
    LIST(CONFIG_KIND_ORIGINS, "signaling", "origins", origins, NULL, NULL, NULL, "allowed Origins besides the same host; * is any"),
    TEXT("signaling", "tls_cert", tls_cert, NULL, NULL, NULL, "PEM certificate chain; needs tls_key"),
    TEXT("signaling", "tls_key", tls_key, NULL, NULL, NULL, "PEM private key; needs tls_cert"),
    LIST(CONFIG_KIND_ICE, "signaling", "ice_servers", ice_servers, NULL, NULL, NULL,
         "stun: and turn: URLs, or a JSON array of RTCIceServer"),
    TEXT("controller", "name", controller_name, CONFIG_CONTROLLER_UNNAMED, NULL, NULL, "who is responsible for recordings (R1); name them"),
    TEXT("controller", "contact", controller_contact, "whoever invited you to this call", NULL, NULL, "how to reach them (R1)"),
    TEXT("auth", "secret_file", secret_file, NULL, "secret-file", "FILE",
         "shared secret for HS256 tokens (default: DATA/secret, made at first start)"),
    TEXT("auth", "public_key", public_key, NULL, NULL, NULL, "PEM public key for ES256 tokens; in place of the secret"),
    NUMBER("consent", "lease_ms", lease_ms, "5000", 500, 60000, "silence that closes the gate (R10)"),
    NUMBER("consent", "heartbeat_ms", heartbeat_ms, "1000", 100, 20000, "a client's heartbeat, below lease_ms"),
    NUMBER("consent", "absent_ms", absent_ms, "30000", 1000, 600000, "silence that is leaving, at least lease_ms"),
    LIST(CONFIG_KIND_ROLES, "consent", "request_roles", request_roles, "expert", NULL, NULL, "who may ask to record (R2)"),
    NUMBER("consent", "requests_max", requests_max, "3", 1, CONSENT_REQUESTS_MAX, "requests a session (R4)"),
    TEXT("letter", "template_dir", template_dir, NULL, NULL, NULL, "directory of letter.LANGUAGE.txt, in place of the built-in letters"),
    NUMBER("sessions", "early_s", early_s, "120", 0, 86400, "how long before its start a planned session may be joined (R5)"),
    NUMBER("sessions", "grace_s", grace_s, "600", 0, 86400, "how long after its end a planned session may be joined"),
    NUMBER("recording", "segment_s", segment_s, "5", 1, 60, "length of a segment"),
    NUMBER("recording", "max_participants", max_participants, "4", 2, 4, "people in a session without an SFU"),
    NUMBER("recording", "retention_max_s", retention_max_s, "316224000", 1, 316224000,
           "the longest retention_s a disclosure may ask for (default: ten years)"),
    TEXT("ledger", "origin", origin, NULL, NULL, NULL,
         "the log's name on its checkpoints, such as gate.example.com/log; used when the log is made"),
    TEXT("ledger", "head_file", head_file, NULL, NULL, NULL,
         "file outside the data directory, on another disk, for the newest checkpoint: finds out snapshots that were put back"),
    NUMBER("ledger", "personal_data_s", personal_data_s, "0", 0, 3162240000,
           "a session's names and salts are forgotten this long after its last recording expired; 0: never"),
    TEXT("reports", "webhook_url", webhook_url, NULL, NULL, NULL, "where reports are posted (R25): https, or http on this machine"),
    TEXT("reports", "webhook_secret_file", webhook_secret_file, NULL, NULL, NULL, "secret that signs what is posted, 16 bytes or more"),
    TEXT("reports", "smtp_url", smtp_url, NULL, NULL, NULL, "mail server for reports: smtp://HOST:587 or smtps://HOST:465"),
    TEXT("reports", "smtp_from", smtp_from, NULL, NULL, NULL, "sender's address of these mails"),
    TEXT("reports", "smtp_to", smtp_to, NULL, NULL, NULL, "addresses that get them, separated by commas"),
    TEXT("reports", "smtp_user", smtp_user, NULL, NULL, NULL, "user at the mail server; needs smtp_password_file"),
    TEXT("reports", "smtp_password_file", smtp_password_file, NULL, NULL, NULL, "file with that user's password"),
    TEXT("reports", "ca_file", reports_ca_file, NULL, NULL, NULL, "PEM certificates to trust in place of the system's"),
    NUMBER("reports", "allow_plain", reports_allow_plain, "0", 0, 1, "1: also without TLS to other machines; reports name people"),
    NUMBER("reports", "retry_ms", reports_retry_ms, "5000", 10, 3600000, "pause after a failed delivery, doubled each time up to an hour"),
    NUMBER("reports", "give_up_s", reports_give_up_s, "259200", 1, 31536000, "when a delivery is given up, which is then on the ledger"),
    TEXT("sfu", "mode", sfu_mode, NULL, NULL, NULL, "none: calls are a mesh; janus; relays (default: by what is set below)"),
    LIST(CONFIG_KIND_WS, "sfu", "janus", sfu_janus, NULL, NULL, NULL, "ws://ADDR:PORT of Janus, whose people come through /janus here"),
    TEXT("sfu", "janus_token_file", sfu_janus_token_file, NULL, NULL, NULL, "file with the token that Janus wants (token_auth)"),
    TEXT("sfu", "janus_secret_file", sfu_janus_secret_file, NULL, NULL, NULL, "file with the secret that Janus wants (api_secret)"),
    TEXT("sfu", "whip", sfu_whip, NULL, NULL, NULL,
         "WHIP server behind /whip here; {session}, {participant}, {resource} in it are filled in"),
    TEXT("sfu", "whip_token_file", sfu_whip_token_file, NULL, NULL, NULL, "file with the token that the WHIP server wants"),
    TEXT("sfu", "ice", sfu_ice, "lite", NULL, NULL,
         "lite, or full: the gate checks towards the SFU, too; relays to an SFU that is ICE-lite are full by themselves"),
    TEXT("sfu", "stun", sfu_stun, NULL, NULL, NULL, "stun:ADDR:PORT that tells a full gate its public address towards the SFU"),
    TEXT("sfu", "turn", sfu_turn, NULL, NULL, NULL,
         "turn:ADDR:PORT (UDP) over which a full gate reaches an SFU that it cannot reach directly"),
    TEXT("sfu", "turn_user", sfu_turn_user, NULL, NULL, NULL, "user at the TURN server"),
    TEXT("sfu", "turn_password_file", sfu_turn_password_file, NULL, NULL, NULL, "file with that user's password"),
    NUMBER("sfu", "relay_only", sfu_relay_only, "0", 0, 1, "1: only over the TURN server"),
    NUMBER("media", "workers", workers, "0", 0, 64, "media workers; 0: one a core"),
    NUMBER("media", "coalesce_us", coalesce_us, "0", 0, 1000,
           "under load packets gather for at most this long: less CPU, more latency; 0: never"),
    NUMBER("limits", "sessions_max", sessions_max, "1000", 1, 100000, "sessions at a time"),
    NUMBER("limits", "sockets_max", sockets_max, "4096", 4, 100000, "connections at a time"),
    NUMBER("limits", "sockets_per_address_max", sockets_per_address_max, "256", 1, 100000, "connections from one address"),
    NUMBER("limits", "messages_per_s_max", messages_per_s_max, "50", 5, 10000,
           "messages of one socket a second; withdrawals always pass (R6)"),
    NUMBER("limits", "socket_queue_bytes_max", socket_queue_bytes_max, "4194304", 524288, 1073741824,
           "unsent bytes before a reader is cut off"),
};

const ConfigKey *config_keys(gsize *n) {
  *n = G_N_ELEMENTS(keys);
  return keys;
}

static gboolean is_list(const ConfigKey *key) {
  return key->kind == CONFIG_KIND_IPS || key->kind == CONFIG_KIND_ORIGINS || key->kind == CONFIG_KIND_ROLES || key->kind == CONFIG_KIND_ICE;
}

static gboolean refuse(GError **error, const char *what, const char *text, const char *advice) {
  g_autofree char *shown = g_strescape(text, NULL);
  g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_VALUE, "%s: \"%.80s\" is not usable: %s", what, shown, advice);
  return FALSE;
}

static gboolean origin_is_valid(const char *origin) {
  if (strcmp(origin, "*") == 0)
    return TRUE;
  g_autoptr(GUri) uri = g_uri_parse(origin, G_URI_FLAGS_NONE, NULL);
  return uri && g_uri_get_host(uri) && *g_uri_get_host(uri) && !*g_uri_get_path(uri) && !g_uri_get_query(uri) && !g_uri_get_userinfo(uri) &&
         (strcmp(g_uri_get_scheme(uri), "https") == 0 || strcmp(g_uri_get_scheme(uri), "http") == 0);
}

static gboolean ice_is_valid(const char *server) {
  static const char *const schemes[] = {"stun:", "stuns:", "turn:", "turns:"};
  for (guint i = 0; i < G_N_ELEMENTS(schemes); i++)
    if (g_str_has_prefix(server, schemes[i]) && server[strlen(schemes[i])])
      return TRUE;
  json_auto_t *object = json_loads(server, JSON_REJECT_DUPLICATES, NULL);
  return json_is_object(object) && json_object_get(object, "urls");
}

static const char *item_advice(ConfigKind kind, const char *item) {
  switch (kind) {
  case CONFIG_KIND_IPS:
    return address_is_ip(item) ? NULL : "give literal IPv4 or IPv6 addresses, separated by commas";
  case CONFIG_KIND_ORIGINS:
    return origin_is_valid(item) ? NULL : "give origins such as https://app.example.org (no path), or *";
  case CONFIG_KIND_ROLES: {
    TokenRole role = token_role_parse(item);
    /* R2: an auditor never asks. */
    return role != TOKEN_ROLE_NONE && role != TOKEN_ROLE_AUDITOR ? NULL : "roles are expert, client, observer, service";
  }
  case CONFIG_KIND_ICE:
    return ice_is_valid(item) ? NULL : "give stun: or turn: URLs, or a JSON array of objects with \"urls\"";
  case CONFIG_KIND_TEXT:
  case CONFIG_KIND_ENDPOINT:
  case CONFIG_KIND_NUMBER:
  case CONFIG_KIND_WS:
    break;
  }
  return "not a list";
}

/* Separated by commas, semicolons or blanks; ice_servers may be a JSON array, whose objects become one item each. */
static char **list_split(ConfigKind kind, const char *text) {
  g_autoptr(GStrvBuilder) items = g_strv_builder_new();
  json_auto_t *array = kind == CONFIG_KIND_ICE && text[strspn(text, " \t")] == '[' ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
  if (array) {
    size_t i;
    json_t *one;
    json_array_foreach(array, i, one) {
      char *item = json_dumps(one, JSON_COMPACT | JSON_ENCODE_ANY);
      g_strv_builder_add(items, item);
      free(item);
    }
    return g_strv_builder_end(items);
  }
  g_auto(GStrv) parts = g_strsplit_set(text, ",; \t\n", -1);
  for (char **part = parts; *part; part++)
    if (**part)
      g_strv_builder_add(items, *part);
  return g_strv_builder_end(items);
}

static gboolean list_set(Config *config, const ConfigKey *key, const char *text, const char *what, GError **error) {
  g_auto(GStrv) items = list_split(key->kind, text);
  if (!items[0] && key->initial)
    return refuse(error, what, text, "give at least one");
  for (char **item = items; *item; item++) {
    const char *advice = item_advice(key->kind, *item);
    if (advice)
      return refuse(error, what, *item, advice);
  }
  config_key_clear(config, key);
  G_STRUCT_MEMBER(char **, config, key->offset) = g_steal_pointer(&items);
  return TRUE;
}

static gboolean number_set(Config *config, const ConfigKey *key, const char *text, const char *what, GError **error) {
  gint64 value = 0;
  if (!g_ascii_string_to_signed(text, 10, key->min, key->max, &value, NULL)) {
    g_autofree char *advice = g_strdup_printf("give a whole number from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT, key->min, key->max);
    return refuse(error, what, text, advice);
  }
  G_STRUCT_MEMBER(gint64, config, key->offset) = value;
  return TRUE;
}

static gboolean is_ws(const char *text) {
  UpstreamUrl url = {0};
  const gboolean valid = upstream_url_parse(text, &url);
  upstream_url_clear(&url);
  return valid;
}

static gboolean text_set(Config *config, const ConfigKey *key, const char *text, const char *what, GError **error) {
  if (!g_utf8_validate(text, -1, NULL))
    return refuse(error, what, "", "it is not UTF-8");
  if (!*text && key->initial)
    return refuse(error, what, text, "it must not be empty");
  if (key->kind == CONFIG_KIND_ENDPOINT) {
    g_autoptr(GInetSocketAddress) parsed = address_parse(text);
    if (!parsed)
      return refuse(error, what, text, "give ADDR:PORT with a literal address, such as 127.0.0.1:8480 or [::1]:8480");
  }
  if (key->kind == CONFIG_KIND_WS && *text && !is_ws(text))
    return refuse(error, what, text, "give ws://ADDR:PORT with a literal address or localhost, such as ws://127.0.0.1:8188");
  config_key_clear(config, key);
  G_STRUCT_MEMBER(char *, config, key->offset) = *text ? g_strdup(text) : NULL;
  return TRUE;
}

gboolean config_key_set(Config *config, const ConfigKey *key, const char *text, const char *source, const char *what, GError **error) {
  gboolean set = key->kind == CONFIG_KIND_NUMBER ? number_set(config, key, text, what, error)
                 : is_list(key)                  ? list_set(config, key, text, what, error)
                                                 : text_set(config, key, text, what, error);
  if (set)
    g_hash_table_replace(config->sources, g_strconcat(key->section, ".", key->name, NULL), (gpointer)source);
  return set;
}

void config_key_clear(Config *config, const ConfigKey *key) {
  if (key->kind == CONFIG_KIND_NUMBER)
    G_STRUCT_MEMBER(gint64, config, key->offset) = 0;
  else if (is_list(key))
    g_clear_pointer(&G_STRUCT_MEMBER(char **, config, key->offset), g_strfreev);
  else
    g_clear_pointer(&G_STRUCT_MEMBER(char *, config, key->offset), g_free);
}

char *config_key_text(const Config *config, const ConfigKey *key) {
  if (key->kind == CONFIG_KIND_NUMBER)
    return g_strdup_printf("%" G_GINT64_FORMAT, G_STRUCT_MEMBER(gint64, config, key->offset));
  if (!is_list(key)) {
    const char *text = G_STRUCT_MEMBER(char *, config, key->offset);
    return g_strdup(text ? text : "");
  }
  char **items = G_STRUCT_MEMBER(char **, config, key->offset);
  return items ? g_strjoinv(", ", items) : g_strdup("");
}

/* Levenshtein; both are short names. */
static guint edit_distance(const char *a, const char *b) {
  gsize n = strlen(b);
  g_autofree guint *row = g_new(guint, n + 1);
  for (gsize j = 0; j <= n; j++)
    row[j] = (guint)j;
  for (gsize i = 0; a[i]; i++) {
    guint diagonal = row[0];
    row[0] = (guint)i + 1;
    for (gsize j = 0; j < n; j++) {
      guint above = row[j + 1];
      row[j + 1] = MIN(MIN(above, row[j]) + 1, diagonal + (a[i] != b[j]));
      diagonal = above;
    }
  }
  return row[n];
}

char *config_key_nearest(const char *section, const char *name) {
  const ConfigKey *best = NULL;
  guint least = G_MAXUINT;
  for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
    /* The right name in a wrong section is the commonest slip; else the section says more than a few letters of the name. */
    guint of_name = edit_distance(name, keys[i].name), of_section = edit_distance(section, keys[i].section);
    guint distance = of_name == 0 ? MIN(of_section, 1) : of_name + 3 * of_section;
    if (distance < least) {
      least = distance;
      best = &keys[i];
    }
  }
  return g_strdup_printf("[%s] %s", best->section, best->name);
}
