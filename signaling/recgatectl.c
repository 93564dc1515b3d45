/* SPDX-License-Identifier: Apache-2.0 */
/* recgatectl: the auditor's tool. Reads the command line and hands over to a subcommand. */
#include "signaling/recgatectl.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "signaling/token.h"

#define EXIT_USE      2
#define EXIT_VERDICT  1
#define TTL_DEFAULT_S 3600

G_DEFINE_QUARK(recgatectl - error, ctl_error)

gboolean ctl_refuse(GError **error, CtlError code, const char *message) {
  g_set_error_literal(error, CTL_ERROR, code, message);
  return FALSE;
}

gboolean ctl_token(const CtlOptions *options, GError **error) {
  Token token = {.role = token_role_parse(options->role)};
  if (!options->secret_file)
    return ctl_refuse(error, CTL_ERROR_USAGE, "which secret? give --secret-file F (recgate keeps its own in DATA/secret)");
  if (!token_id_is_valid(options->session) || !token_id_is_valid(options->participant))
    return ctl_refuse(error, CTL_ERROR_USAGE,
                      "--session and --participant are needed: 1 to 64 of A-Z a-z 0-9 . _ -, not starting with a dot");
  if (token.role == TOKEN_ROLE_NONE)
    return ctl_refuse(error, CTL_ERROR_USAGE, "--role is one of expert, client, observer, auditor, service");
  if (options->ttl_s <= 0)
    return ctl_refuse(error, CTL_ERROR_USAGE, "--ttl is a number of seconds above 0");
  if (options->name && strlen(options->name) > TOKEN_NAME_BYTES_MAX)
    return ctl_refuse(error, CTL_ERROR_USAGE, "--name is at most 128 bytes");
  g_strlcpy(token.session, options->session, sizeof token.session);
  g_strlcpy(token.participant, options->participant, sizeof token.participant);
  g_strlcpy(token.name, options->name ? options->name : "", sizeof token.name);
  g_autoptr(TokenKey) key = token_key_secret(options->secret_file, error);
  g_autofree char *jwt = key ? token_make(key, &token, g_get_real_time() / G_USEC_PER_SEC, options->ttl_s, error) : NULL;
  if (!jwt)
    return FALSE;
  json_auto_t *result = json_pack("{s:s}", "token", jwt);
  if (options->json)
    ctl_print_json(result);
  else
    puts(jwt);
  return TRUE;
}

static const struct {
  const char *name;
  gboolean (*run)(const CtlOptions *options, GError **error);
  gboolean takes_session; /* as an argument; of receipt: its file */
} commands[] = {
    {"token", ctl_token, FALSE},     {"sessions", ctl_sessions, FALSE}, {"segments", ctl_segments, TRUE}, {"export", ctl_export, TRUE},
    {"verify", ctl_verify, FALSE},   {"key", ctl_key, FALSE},           {"receipt", ctl_receipt, TRUE},   {"forget", ctl_forget, TRUE},
    {"restore", ctl_restore, FALSE}, {"evidence", ctl_evidence, TRUE},  {"vcon", ctl_vcon, TRUE},
};

static const char summary[] =
    "Commands:\n"
    "  token --secret-file F --session S --participant P --role expert|client|observer|auditor|service\n"
    "        [--name N] [--ttl SECONDS]                     print a token\n"
    "  sessions                                             list what the data directory holds\n"
    "  segments SESSION                                     list a session's segments\n"
    "  export SESSION --participant P [--take T] [-o FILE]  write one person's recording; -o - is standard output\n"
    "  verify [--key VERIFIER_KEY] [--checkpoint FILE]... [--tiles DIR]\n"
    "                                                       does what stands there keep the rules?\n"
    "  key                                                  print the log's verifier key\n"
    "  receipt FILE [--key VERIFIER_KEY | --data DIR]       check receipts offline\n"
    "  forget SESSION [--participant P]                     names, texts and salts of a session, or of one person in it\n"
    "  restore --ledger NEWEST | --no-newer-ledger          make a restored data directory usable (docs/backup.md)\n"
    "  evidence SESSION [-o FILE]                           write a session's evidence bundle, evidence.zip\n"
    "  evidence --check FILE [--key K]                      check a bundle offline; K: the log's verifier key, or a file with it\n"
    "  vcon SESSION [--media] [-o FILE]                     the session as a signed vCon (docs/vcon.md)\n"
    "\n"
    "Exit status: 0 all is well, 1 what was checked does not hold, 2 wrong use or unreadable input.";

static gboolean command_run(const char *name, const char *argument, CtlOptions *options, GError **error) {
  for (guint i = 0; i < G_N_ELEMENTS(commands); i++) {
    if (g_strcmp0(name, commands[i].name) != 0)
      continue;
    if (argument && (!commands[i].takes_session || options->session))
      return ctl_refuse(error, CTL_ERROR_USAGE, "too many arguments (see recgatectl --help)");
    options->session = argument ? argument : options->session;
    return commands[i].run(options, error);
  }
  return ctl_refuse(error, CTL_ERROR_USAGE, name ? "no such command (see recgatectl --help)" : "which command? (see recgatectl --help)");
}

static gboolean run(int *argc, char ***argv, GError **error) {
  g_autofree char *data = NULL, *session = NULL, *participant = NULL, *secret = NULL, *role = NULL, *name = NULL, *output = NULL;
  g_autofree char *check = NULL;
  gint64 ttl_s = TTL_DEFAULT_S, take = 0;
  g_autofree char *key = NULL, *tiles = NULL, *ledger = NULL;
  g_auto(GStrv) checkpoints = NULL;
  gboolean json = FALSE, force = FALSE, no_newer_ledger = FALSE, media = FALSE;
  const GOptionEntry entries[] = {
      {"data", 0, 0, G_OPTION_ARG_FILENAME, &data, "data directory (default: recgate-data)", "DIR"},
      {"json", 0, 0, G_OPTION_ARG_NONE, &json, "machine-readable output", NULL},
      {"secret-file", 0, 0, G_OPTION_ARG_FILENAME, &secret, "shared secret", "F"},
      {"session", 0, 0, G_OPTION_ARG_STRING, &session, "session id", "S"},
      {"participant", 0, 0, G_OPTION_ARG_STRING, &participant, "participant id", "P"},
      {"role", 0, 0, G_OPTION_ARG_STRING, &role, "role of a token", "R"},
      {"name", 0, 0, G_OPTION_ARG_STRING, &name, "name shown to the others", "N"},
      {"ttl", 0, 0, G_OPTION_ARG_INT64, &ttl_s, "life of a token (default: 3600)", "SECONDS"},
      {"take", 0, 0, G_OPTION_ARG_INT64, &take, "one take only", "T"},
      {"output", 'o', 0, G_OPTION_ARG_FILENAME, &output, "file to write (default: SESSION-P.webm, or .mkv)", "FILE"},
      {"check", 0, 0, G_OPTION_ARG_FILENAME, &check, "evidence bundle to check", "FILE"},
      {"force", 0, 0, G_OPTION_ARG_NONE, &force, "replace an existing file", NULL},
      {"key", 0, 0, G_OPTION_ARG_STRING, &key, "the log's key (default: of the data directory)", "VERIFIER_KEY"},
      {"checkpoint", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &checkpoints, "a checkpoint, proof or receipt saved earlier", "FILE"},
      {"tiles", 0, 0, G_OPTION_ARG_FILENAME, &tiles, "tiles saved earlier", "DIR"},
      {"ledger", 0, 0, G_OPTION_ARG_FILENAME, &ledger, "newest copy of the ledger: vault.db, a data directory, or tiles", "NEWEST"},
      {"no-newer-ledger", 0, 0, G_OPTION_ARG_NONE, &no_newer_ledger, "there is none, and nothing was erased since", NULL},
      {"media", 0, 0, G_OPTION_ARG_NONE, &media, "with the recordings in it", NULL},
      {NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL},
  };
  g_autoptr(GOptionContext) context = g_option_context_new("COMMAND");
  g_option_context_set_summary(context, summary);
  g_option_context_add_main_entries(context, entries, NULL);
  if (!g_option_context_parse(context, argc, argv, error))
    return FALSE;
  if (*argc > 3)
    return ctl_refuse(error, CTL_ERROR_USAGE, "too many arguments (see recgatectl --help)");
  CtlOptions options = {.data = data ? data : "recgate-data",
                        .session = session,
                        .participant = participant,
                        .secret_file = secret,
                        .role = role,
                        .name = name,
                        .output = output,
                        .key = key,
                        .tiles = tiles,
                        .checkpoints = (const char *const *)checkpoints,
                        .check = check,
                        .ttl_s = ttl_s,
                        .take = take,
                        .json = json,
                        .force = force,
                        .data_given = data != NULL,
                        .ledger = ledger,
                        .no_newer_ledger = no_newer_ledger,
                        .media = media};
  return command_run(*argc > 1 ? (*argv)[1] : NULL, *argc > 2 ? (*argv)[2] : NULL, &options, error);
}

int main(int argc, char **argv) {
  g_autoptr(GError) error = NULL;
  setlocale(LC_CTYPE, "");
  signal(SIGPIPE, SIG_IGN); /* a reader of -o - that goes away is an error to report */
  if (run(&argc, &argv, &error) && fflush(stdout) == 0)
    return 0;
  fprintf(stderr, "recgatectl: %s\n", error ? error->message : "standard output cannot be written");
  return g_error_matches(error, CTL_ERROR, CTL_ERROR_VERDICT) ? EXIT_VERDICT : EXIT_USE;
}
