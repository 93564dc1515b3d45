/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: where values come from and what must hold between them. */
#include "signaling/config.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gate/consent/consent-event.h"
#include "signaling/address.h"
#include "signaling/config-keys.h"
#include "signaling/ice-server.h"

#ifndef RECGATE_VERSION
#define RECGATE_VERSION "unknown"
#endif

G_DEFINE_QUARK(recgate - config - error, config_error)

#define CONFIG_ENVIRONMENT "RECGATE_"
#define SECRET_BYTES       32 /* token.h: 32 or more */

void config_free(Config *config) {
  if (!config)
    return;
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++)
    config_key_clear(config, &keys[i]);
  g_hash_table_unref(config->sources);
  g_free(config);
}

static Config *config_new(GError **error) {
  g_autoptr(Config) config = g_new0(Config, 1);
  config->sources = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++)
    if (keys[i].initial && !config_key_set(config, &keys[i], keys[i].initial, "default", keys[i].name, error))
      return NULL;
  return g_steal_pointer(&config);
}

static const ConfigKey *key_find(const char *section, const char *name) {
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++)
    if (strcmp(keys[i].section, section) == 0 && strcmp(keys[i].name, name) == 0)
      return &keys[i];
  return NULL;
}

static gboolean section_is_known(const char *section) {
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++)
    if (strcmp(keys[i].section, section) == 0)
      return TRUE;
  return FALSE;
}

static gboolean unknown(const char *where, const char *section, const char *name, GError **error) {
  g_autofree char *nearest = config_key_nearest(section, name);
  g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_UNKNOWN_KEY, "%s: unknown key [%s] %s; did you mean %s?", where, section, name, nearest);
  return FALSE;
}

static gboolean file_read_section(Config *config, GKeyFile *file, const char *path, const char *section, GError **error) {
  g_auto(GStrv) names = g_key_file_get_keys(file, section, NULL, error);
  if (!names)
    return FALSE;
  if (!section_is_known(section))
    return unknown(path, section, names[0] ? names[0] : "", error);
  for (char **name = names; *name; name++) {
    const ConfigKey *key = key_find(section, *name);
    if (!key)
      return unknown(path, section, *name, error);
    g_autofree char *text = g_key_file_get_string(file, section, *name, error);
    g_autofree char *what = g_strdup_printf("%s: [%s] %s", path, section, *name);
    if (!text || !config_key_set(config, key, text, "file", what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean file_read(Config *config, const char *path, GError **error) {
  g_autoptr(GKeyFile) file = g_key_file_new();
  g_autoptr(GError) why = NULL;
  if (!g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &why)) {
    g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_FILE, "configuration file %s: %s", path, why->message);
    return FALSE;
  }
  g_auto(GStrv) sections = g_key_file_get_groups(file, NULL);
  for (char **section = sections; *section; section++)
    if (!file_read_section(config, file, path, *section, error))
      return FALSE;
  return TRUE;
}

static char *environment_name(const ConfigKey *key) {
  g_autofree char *name = g_strconcat(CONFIG_ENVIRONMENT, key->section, "_", key->name, NULL);
  return g_ascii_strup(name, -1);
}

/* RECGATE_<known section>_… must be a key: a misspelt one would silently leave a default in force. Other RECGATE_… belong to tools around us. */
static gboolean environment_is_known(const char *variable, GError **error) {
  if (!g_str_has_prefix(variable, CONFIG_ENVIRONMENT))
    return TRUE;
  g_auto(GStrv) parts = g_strsplit(variable + strlen(CONFIG_ENVIRONMENT), "_", 2);
  g_autofree char *section = g_ascii_strdown(parts[0] ? parts[0] : "", -1);
  g_autofree char *name = g_ascii_strdown(parts[0] && parts[1] ? parts[1] : "", -1);
  return !section_is_known(section) || key_find(section, name) ? TRUE : unknown(variable, section, name, error);
}

static gboolean environment_read(Config *config, GError **error) {
  g_auto(GStrv) variables = g_listenv();
  for (char **variable = variables; *variable; variable++)
    if (!environment_is_known(*variable, error))
      return FALSE;
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *name = environment_name(&keys[i]);
    const char *text = g_getenv(name);
    if (text && !config_key_set(config, &keys[i], text, "environment", name, error))
      return FALSE;
  }
  return TRUE;
}

static void help_print(void) {
  g_print("Usage: recgate [OPTION]...\n"
          "Forwards a WebRTC call and records it only while everybody in it consents.\n\n"
          "  --config FILE          INI file; every key also as RECGATE_SECTION_KEY, or on the command line as --section.key VALUE\n"
          "  --demo                 try it out: media on all addresses, data under the user's state directory\n"
          "  --print-config         show the values in force and where each came from, then exit\n"
          "  --help, --version\n");
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++) {
    if (!keys[i].option)
      continue;
    g_autofree char *left = g_strdup_printf("--%s %s", keys[i].option, keys[i].argument);
    g_print("  %-22s %s\n", left, keys[i].help);
  }
  g_print("\nKeys of the file:\n");
  for (gsize i = 0; i < n; i++) {
    g_autofree char *left = g_strdup_printf("[%s] %s", keys[i].section, keys[i].name);
    g_print("  %-34s %s%s%s%s\n", left, keys[i].help, keys[i].initial ? " (" : "", keys[i].initial ? keys[i].initial : "",
            keys[i].initial ? ")" : "");
  }
}

typedef struct Arguments {
  const char *file;
  gboolean demo, print_config, help, version;
  GPtrArray *keys, *texts; /* const ConfigKey *, char *: in the order given, repeated lists joined */
} Arguments;

static const ConfigKey *option_key(const char *option) {
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *dotted = g_strconcat(keys[i].section, ".", keys[i].name, NULL);
    if (g_strcmp0(option, keys[i].option) == 0 || strcmp(option, dotted) == 0)
      return &keys[i];
  }
  return NULL;
}

static gboolean usage(GError **error, const char *what, const char *advice) {
  g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_USAGE, "%s: %s (see recgate --help)", what, advice);
  return FALSE;
}

static void arguments_add(Arguments *arguments, const ConfigKey *key, const char *text) {
  guint at;
  if (g_ptr_array_find(arguments->keys, key, &at) && key->kind == CONFIG_KIND_IPS) {
    g_autofree char *before = arguments->texts->pdata[at];
    arguments->texts->pdata[at] = g_strconcat(before, ",", text, NULL);
    return;
  }
  g_ptr_array_add(arguments->keys, (gpointer)key);
  g_ptr_array_add(arguments->texts, g_strdup(text));
}

static gboolean *argument_flag(Arguments *arguments, const char *option) {
  return strcmp(option, "demo") == 0           ? &arguments->demo
         : strcmp(option, "print-config") == 0 ? &arguments->print_config
         : strcmp(option, "help") == 0         ? &arguments->help
         : strcmp(option, "version") == 0      ? &arguments->version
                                               : NULL;
}

/* One argument; *i moves past a value that stands by itself. */
static gboolean argument_read(Arguments *arguments, int argc, char **argv, int *i, GError **error) {
  const char *argument = argv[*i];
  if (strcmp(argument, "-h") == 0)
    argument = "--help";
  if (!g_str_has_prefix(argument, "--"))
    return usage(error, argument, "unexpected argument");
  g_auto(GStrv) parts = g_strsplit(argument + 2, "=", 2);
  const char *option = parts[0] ? parts[0] : "";
  gboolean *flag = argument_flag(arguments, option);
  if (flag) {
    *flag = TRUE;
    return parts[1] ? usage(error, argument, "takes no value") : TRUE;
  }
  const ConfigKey *key = option_key(option);
  gboolean is_file = strcmp(option, "config") == 0;
  if (!key && !is_file)
    return usage(error, argument, "unknown option");
  if (!parts[1] && *i + 1 >= argc)
    return usage(error, argument, "needs a value");
  const char *text = parts[1] ? strchr(argument, '=') + 1 : argv[++*i];
  if (is_file)
    arguments->file = text;
  else
    arguments_add(arguments, key, text);
  return TRUE;
}

static gboolean command_line_apply(Config *config, const Arguments *arguments, GError **error) {
  for (guint i = 0; i < arguments->keys->len; i++) {
    const ConfigKey *key = arguments->keys->pdata[i];
    g_autofree char *what = g_strconcat("--", key->option ? key->option : key->name, NULL);
    if (!config_key_set(config, key, arguments->texts->pdata[i], "command line", what, error))
      return FALSE;
  }
  return TRUE;
}

static gboolean is_default(const Config *config, const char *key) {
  const char *source = g_hash_table_lookup(config->sources, key);
  return !source || strcmp(source, "default") == 0;
}

static gboolean demo_apply(Config *config, GError **error) {
  if (is_default(config, "signaling.media") &&
      !config_key_set(config, key_find("signaling", "media"), "0.0.0.0:8490", "demo", "--demo", error))
    return FALSE;
  g_autofree char *data = g_build_filename(g_get_user_state_dir(), "recgate", "demo", NULL);
  if (is_default(config, "storage.data") && !config_key_set(config, key_find("storage", "data"), data, "demo", "--demo", error))
    return FALSE;
  if (is_default(config, "controller.name") &&
      !config_key_set(config, key_find("controller", "name"), "recgate demo", "demo", "--demo", error))
    return FALSE;
  return !is_default(config, "controller.contact") ||
         config_key_set(config, key_find("controller", "contact"), "the person who started this demo", "demo", "--demo", error);
}

static void announce_fill(Config *config) {
  if (config->announce && config->announce[0])
    return;
  g_strfreev(config->announce);
  g_autoptr(GInetSocketAddress) media = address_parse(config->media);
  config->announce = address_announced(g_inet_socket_address_get_address(media));
}

static gboolean wrong(GError **error, const char *message) {
  g_set_error_literal(error, CONFIG_ERROR, CONFIG_ERROR_VALUE, message);
  return FALSE;
}

/* What is set says it, where mode itself does not. */
static void mode_fill(Config *config) {
  if (config->sfu_mode == NULL)
    config->sfu_mode = g_strdup(config->sfu_janus != NULL ? "janus" : config->sfu_whip != NULL ? "relays" : "none");
}

static gboolean whip_is_url(const char *text) {
  g_auto(GStrv) parts = g_strsplit_set(text, "{}", -1); /* the places to fill in are no part of an address */
  g_autofree char *filled = g_strjoinv("", parts);
  g_autoptr(GUri) uri = g_uri_parse(filled, G_URI_FLAGS_NONE, NULL);
  const char *scheme = uri ? g_uri_get_scheme(uri) : "";
  return (strcmp(scheme, "https") == 0 || strcmp(scheme, "http") == 0) && g_uri_get_host(uri) && *g_uri_get_host(uri) &&
         !g_uri_get_userinfo(uri);
}

static gboolean mode_fits(const Config *config, GError **error) {
  const gboolean is_janus = g_str_equal(config->sfu_mode, "janus"), is_relays = g_str_equal(config->sfu_mode, "relays");
  if (!is_janus && !is_relays && !g_str_equal(config->sfu_mode, "none"))
    return wrong(error, "[sfu] mode: give none, janus or relays");
  if (is_janus && config->sfu_janus == NULL)
    return wrong(error, "[sfu] mode = janus needs janus, the address of its WebSocket");
  if (!is_janus && config->sfu_janus != NULL)
    return wrong(error, "[sfu] janus belongs to mode = janus: one daemon serves one kind of SFU");
  if (!is_relays && config->sfu_whip != NULL)
    return wrong(error, "[sfu] whip belongs to mode = relays");
  if (config->sfu_whip != NULL && !whip_is_url(config->sfu_whip))
    return wrong(error, "[sfu] whip: give https://HOST/PATH or http://HOST/PATH of a WHIP endpoint, without user and password");
  return TRUE;
}

static gboolean ice_server_fits(const char *text, const char *scheme) {
  IceServer server = {0};
  const gboolean fits = text == NULL || ice_server_parse(text, scheme, &server);
  g_free(server.address);
  return fits;
}

static gboolean ice_fits(const Config *config, GError **error) {
  const gboolean is_full = g_str_equal(config->sfu_ice, "full"), has_servers = config->sfu_stun != NULL || config->sfu_turn != NULL;
  if (!is_full && !g_str_equal(config->sfu_ice, "lite"))
    return wrong(error, "[sfu] ice: give lite or full");
  if ((is_full || has_servers) && !config_has_sfu(config))
    return wrong(error, "[sfu] ice, stun and turn are of legs towards an SFU: set mode = janus or relays");
  if (has_servers && !is_full && g_str_equal(config->sfu_mode, "janus"))
    return wrong(error, "[sfu] stun and turn are used by a full agent alone: set ice = full");
  if (!ice_server_fits(config->sfu_stun, "stun"))
    return wrong(error, "[sfu] stun: give stun:ADDR:PORT with a literal address, such as stun:192.0.2.7:3478");
  if (!ice_server_fits(config->sfu_turn, "turn"))
    return wrong(error, "[sfu] turn: give turn:ADDR:PORT with a literal address, such as turn:192.0.2.7:3478; ?transport=udp may follow");
  if (!config->sfu_turn != !config->sfu_turn_user || !config->sfu_turn != !config->sfu_turn_password_file)
    return wrong(error, "[sfu] turn, turn_user and turn_password_file belong together: set all or none");
  if (config->sfu_relay_only != 0 && config->sfu_turn == NULL)
    return wrong(error, "[sfu] relay_only needs turn");
  return TRUE;
}

static gboolean config_fits(const Config *config, GError **error) {
  if (!config->tls_cert != !config->tls_key)
    return wrong(error, "[signaling] tls_cert and tls_key belong together: set both or none");
  if (config->secret_file && config->public_key)
    return wrong(error, "[auth] secret_file and public_key exclude each other: tokens are checked with one key");
  if (config->heartbeat_ms >= config->lease_ms)
    return wrong(error, "[consent] heartbeat_ms must be below lease_ms, or every consent lapses between heartbeats (R10)");
  if (config->lease_ms > config->absent_ms)
    return wrong(error, "[consent] absent_ms must be at least lease_ms (R10)");
  if (!mode_fits(config, error) || !ice_fits(config, error))
    return FALSE;
  for (char **ip = config->announce; *ip; ip++) {
    g_autoptr(GInetAddress) address = g_inet_address_new_from_string(*ip);
    if (!address || g_inet_address_get_is_any(address))
      return wrong(error, "[signaling] announce: a wildcard address reaches nobody; name the addresses that clients can reach");
  }
  return TRUE;
}

static Config *config_make(const Arguments *arguments, GError **error) {
  g_autoptr(Config) config = config_new(error);
  if (!config || (arguments->file && !file_read(config, arguments->file, error)) || !environment_read(config, error) ||
      !command_line_apply(config, arguments, error) || (arguments->demo && !demo_apply(config, error)))
    return NULL;
  config->demo = arguments->demo;
  config->print_config = arguments->print_config;
  announce_fill(config);
  mode_fill(config);
  return config_fits(config, error) ? g_steal_pointer(&config) : NULL;
}

gboolean config_load(int argc, char **argv, Config **config, gboolean *exit_now, GError **error) {
  g_autoptr(GPtrArray) keys = g_ptr_array_new(), texts = g_ptr_array_new_with_free_func(g_free);
  Arguments arguments = {.keys = keys, .texts = texts};
  for (int i = 1; i < argc; i++)
    if (!argument_read(&arguments, argc, argv, &i, error))
      return FALSE;
  *exit_now = arguments.help || arguments.version;
  if (arguments.help)
    help_print();
  else if (arguments.version)
    g_print("recgate %s\n", RECGATE_VERSION);
  if (*exit_now)
    return TRUE;
  Config *made = config_make(&arguments, error);
  if (!made)
    return FALSE;
  *config = made;
  return TRUE;
}

/* Of an address that may hold a secret (a user, a path, a query) only where it leads. */
static char *masked_url(const char *text) {
  g_autoptr(GUri) uri = g_uri_parse(text, G_URI_FLAGS_NONE, NULL);
  if (!uri || !g_uri_get_host(uri))
    return g_strdup("***");
  const gboolean more = strlen(g_uri_get_path(uri)) > 1 || g_uri_get_query(uri) || g_uri_get_userinfo(uri) || g_uri_get_fragment(uri);
  g_autofree char *bare =
      g_uri_join(G_URI_FLAGS_NONE, g_uri_get_scheme(uri), NULL, g_uri_get_host(uri), g_uri_get_port(uri), "", NULL, NULL);
  return g_strconcat(bare, more ? "/***" : "", NULL);
}

/* TURN credentials and addresses of reports are the only secrets among the values; key files are named, never shown. */
static char *masked(const ConfigKey *key, const char *text) {
  if (*text && (g_str_has_suffix(key->name, "_url") || strcmp(key->name, "whip") == 0)) /* a path may be a stream's key */
    return masked_url(text);
  if (key->kind != CONFIG_KIND_ICE)
    return g_strdup(text);
  g_autoptr(GRegex) credential = g_regex_new("(\"credential\"\\s*:\\s*)\"(?:[^\"\\\\]|\\\\.)*\"", 0, 0, NULL);
  return g_regex_replace(credential, text, -1, 0, "\\1\"***\"", 0, NULL);
}

char *config_describe(const Config *config) {
  GString *lines = g_string_new(NULL);
  gsize n;
  const ConfigKey *keys = config_keys(&n);
  for (gsize i = 0; i < n; i++) {
    g_autofree char *name = g_strconcat(keys[i].section, ".", keys[i].name, NULL), *text = config_key_text(config, &keys[i]);
    g_autofree char *shown = masked(&keys[i], text), *left = g_strdup_printf("%s = %s", name, shown);
    const char *source = g_hash_table_lookup(config->sources, name);
    g_string_append_printf(lines, "%-60s # %s\n", left, source ? source : "default");
  }
  return g_string_free(lines, FALSE);
}

gboolean config_has_sfu(const Config *config) {
  return !g_str_equal(config->sfu_mode, "none");
}

guint config_people_max(const Config *config) {
  return config_has_sfu(config) ? CONSENT_PEOPLE_MAX : (guint)config->max_participants;
}

static gboolean secret_failed(const char *path, GError **error) {
  g_set_error(error, CONFIG_ERROR, CONFIG_ERROR_FILE, "secret file %s: %s", path, g_strerror(errno));
  return FALSE;
}

static gboolean secret_write(const char *path, GError **error) {
  guint8 bytes[SECRET_BYTES];
  char text[sodium_base64_ENCODED_LEN(SECRET_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING)];
  if (sodium_init() < 0)
    return wrong(error, "libsodium has no randomness");
  randombytes_buf(bytes, sizeof bytes);
  sodium_bin2base64(text, sizeof text, bytes, sizeof bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  gboolean done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fsync(fd) == 0;
  if (!done)
    secret_failed(path, error);
  if (fd >= 0)
    close(fd);
  if (fd >= 0 && !done)
    unlink(path); /* a short secret must not be found at the next start */
  sodium_memzero(bytes, sizeof bytes);
  sodium_memzero(text, sizeof text);
  return done;
}

gboolean config_ensure_secret(Config *config, GError **error) {
  if (config->secret_file || config->public_key)
    return TRUE;
  g_autofree char *path = g_build_filename(config->data_dir, "secret", NULL);
  if (g_mkdir_with_parents(config->data_dir, 0700) != 0)
    return secret_failed(config->data_dir, error);
  if (!g_file_test(path, G_FILE_TEST_EXISTS) && !secret_write(path, error))
    return FALSE;
  config->secret_file = g_steal_pointer(&path);
  return TRUE;
}
