/* SPDX-License-Identifier: Apache-2.0 */
/* The key file and its slots. */
#include "gate/vault/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gate/vault/files.h"

static const char magic_live[8] = "RGKEY01";
static const char magic_tombstone[8] = "RGERASE";

typedef struct Slot { /* the file's layout */
  char magic[8];
  guint8 wrapped[AEAD_WRAPPED_BYTES];
  guint8 scope, whole_session, expired;
  char participant[65];
  guint8 zeros[KEYRING_SLOT_BYTES - 8 - AEAD_WRAPPED_BYTES - 3 - 65];
} Slot;
G_STATIC_ASSERT(sizeof(Slot) == KEYRING_SLOT_BYTES);

typedef struct Secrets { /* sodium_malloc'ed: locked, guarded, wiped */
  guint8 root[AEAD_KEY_BYTES];
  guint8 key[AEAD_KEY_BYTES];
} Secrets;

struct KeyRing {
  int fd;
  GByteArray *used; /* one byte a slot */
  Secrets *secrets;
  Slot loaded;       /* of the last keyring_load; ciphertext */
  gboolean unsynced; /* tombstones and zeros */
};

/* The service manager's copy of the root key (systemd: LoadCredential; a mounted secret, which may be a link). -1 with errno ENOENT: there is none. */
static int open_credential(void) {
  const char *dir = g_getenv("CREDENTIALS_DIRECTORY");
  g_autofree char *path = dir != NULL && *dir == '/' ? g_build_filename(dir, "root.key", NULL) : NULL;
  errno = ENOENT;
  return path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
}

/* Two homes would make it unclear which of them a destroyed root key has to leave; -1: refused. */
static int open_root(int dir_fd, gboolean *from_outside, GError **error) {
  struct stat about;
  int credential = open_credential();
  if (credential < 0 && errno != ENOENT) {
    files_failed(error, "open the credential root.key");
    return -1;
  }
  *from_outside = credential >= 0;
  if (credential >= 0 && fstatat(dir_fd, "root.key", &about, AT_SYMLINK_NOFOLLOW) == 0) {
    files_close(&credential);
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "root.key is given as a credential and lies in the data directory too: if they are the same, remove the latter");
    return -1;
  }
  if (credential >= 0)
    return credential;
  int fd = openat(dir_fd, "root.key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0 && errno == ENOENT)
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
                        "root.key is missing, nothing of what is kept can be read without it: restore it from its backup");
  else if (fd < 0)
    files_failed(error, "open root.key");
  return fd;
}

static gboolean read_root(int dir_fd, guint8 *root, GError **error) {
  struct stat about;
  gboolean from_outside;
  int fd = open_root(dir_fd, &from_outside, error);
  if (fd < 0)
    return FALSE;
  if (from_outside && (fstat(fd, &about) != 0 || about.st_size != AEAD_KEY_BYTES)) {
    files_close(&fd);
    g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the credential root.key is not %d bytes, as they are, of random", AEAD_KEY_BYTES);
    return FALSE;
  }
  const gboolean whole = files_read_at(fd, root, AEAD_KEY_BYTES, 0, error);
  files_close(&fd);
  if (!whole)
    g_prefix_error(error, "root.key: ");
  return whole;
}

/* First start. The key file comes last: as long as it is missing nothing can have been wrapped by this root key. */
static gboolean make_files(int dir_fd, Secrets *secrets, GError **error) {
  int credential = open_credential();
  const gboolean from_outside = credential >= 0 || errno != ENOENT; /* one that cannot be read is refused by read_root */
  files_close(&credential);
  if (!from_outside)
    randombytes_buf(secrets->root, sizeof secrets->root);
  if (from_outside ? !read_root(dir_fd, secrets->root, error) : !files_put(dir_fd, "root.key", secrets->root, sizeof secrets->root, error))
    return FALSE;
  g_autofree guint8 *zeros = g_malloc0(KEYRING_SLOTS_FIRST * KEYRING_SLOT_BYTES);
  return files_put(dir_fd, "keys", zeros, KEYRING_SLOTS_FIRST * KEYRING_SLOT_BYTES, error);
}

static gboolean open_keys(KeyRing *ring, int dir_fd, gboolean make, GError **error) {
  struct stat about;
  if (make && fstatat(dir_fd, "keys", &about, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT && !make_files(dir_fd, ring->secrets, error))
    return FALSE;
  ring->fd = openat(dir_fd, "keys", (make ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NOFOLLOW);
  if (ring->fd < 0 && errno == ENOENT) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_CORRUPT, "the key file \"keys\" is missing: restore it together with vault.db");
    return FALSE;
  }
  if (ring->fd < 0 || fstat(ring->fd, &about) != 0)
    return files_failed(error, "open the key file");
  ring->used = g_byte_array_new();
  g_byte_array_set_size(ring->used, (guint)(about.st_size / KEYRING_SLOT_BYTES));
  if (ring->used->len)
    memset(ring->used->data, 0, ring->used->len);
  return read_root(dir_fd, ring->secrets->root, error);
}

KeyRing *keyring_open(int dir_fd, gboolean make, GError **error) {
  g_autoptr(KeyRing) ring = g_new0(KeyRing, 1);
  ring->fd = -1;
  ring->secrets = sodium_malloc(sizeof *ring->secrets);
  if (!ring->secrets || sodium_mlock(ring->secrets, sizeof *ring->secrets) != 0) {
    files_failed(error, "lock memory for the root key");
    return NULL;
  }
  return open_keys(ring, dir_fd, make, error) ? g_steal_pointer(&ring) : NULL;
}

void keyring_free(KeyRing *ring) {
  if (!ring)
    return;
  sodium_free(ring->secrets);
  files_close(&ring->fd);
  g_clear_pointer(&ring->used, g_byte_array_unref);
  g_free(ring);
}

gint64 keyring_slots(const KeyRing *ring) {
  return ring->used->len;
}

void keyring_set_used(KeyRing *ring, gint64 slot, gboolean used) {
  ring->used->data[slot] = used ? 1 : 0;
}

static gboolean read_slot(KeyRing *ring, gint64 number, Slot *slot, GError **error) {
  if (files_read_at(ring->fd, (guint8 *)slot, sizeof *slot, number * KEYRING_SLOT_BYTES, error))
    return TRUE;
  g_prefix_error(error, "key slot %" G_GINT64_FORMAT ": ", number);
  return FALSE;
}

gboolean keyring_state(KeyRing *ring, gint64 number, KeySlotState *state, KeyTombstone *tombstone, GError **error) {
  Slot slot;
  if (!read_slot(ring, number, &slot, error))
    return FALSE;
  if (memcmp(slot.magic, magic_tombstone, sizeof slot.magic) == 0) {
    *state = KEY_SLOT_TOMBSTONE;
    *tombstone = (KeyTombstone){.scope = slot.scope <= VAULT_SCOPE_SESSION ? (VaultScope)slot.scope : VAULT_SCOPE_SESSION,
                                .whole_session = slot.whole_session != 0,
                                .expired = slot.expired != 0};
    g_strlcpy(tombstone->participant, slot.participant, sizeof tombstone->participant);
    return TRUE;
  }
  *state = sodium_is_zero((const guint8 *)&slot, sizeof slot) ? KEY_SLOT_EMPTY : KEY_SLOT_LIVE;
  return TRUE;
}

/* Bound to its place and its owner: a slot copied to another place, or read for another participant, does not open. */
static char *binding(gint64 slot, const KeyOwner *owner) {
  return g_strdup_printf("recgate key slot 1\n%" G_GINT64_FORMAT "\n%" G_GINT64_FORMAT "\n%zu:%s\n%" G_GINT64_FORMAT "\n%zu:%s", slot,
                         owner->recording, strlen(owner->session), owner->session, owner->request, strlen(owner->participant),
                         owner->participant);
}

static gboolean find_free(KeyRing *ring, gint64 *slot, GError **error) {
  for (guint i = 0; i < ring->used->len; i++) {
    if (ring->used->data[i])
      continue;
    *slot = i;
    return TRUE;
  }
  const guint old = ring->used->len;
  g_autofree guint8 *zeros = g_malloc0(KEYRING_SLOTS_STEP * KEYRING_SLOT_BYTES);
  if (!files_write_at(ring->fd, zeros, KEYRING_SLOTS_STEP * KEYRING_SLOT_BYTES, (gint64)old * KEYRING_SLOT_BYTES, error)) {
    g_prefix_error(error, "no free key slot: ");
    return FALSE;
  }
  g_byte_array_set_size(ring->used, old + KEYRING_SLOTS_STEP);
  memset(ring->used->data + old, 0, KEYRING_SLOTS_STEP);
  *slot = old;
  return TRUE;
}

gboolean keyring_create(KeyRing *ring, const KeyOwner *owner, gint64 *slot, GError **error) {
  gint64 place;
  if (!find_free(ring, &place, error))
    return FALSE;
  Slot fresh = {0};
  memcpy(fresh.magic, magic_live, sizeof fresh.magic);
  g_autofree char *bound = binding(place, owner);
  randombytes_buf(ring->secrets->key, sizeof ring->secrets->key);
  const gboolean wrapped = aead_wrap(ring->secrets->root, bound, strlen(bound), ring->secrets->key, fresh.wrapped);
  keyring_forget(ring);
  if (!wrapped) {
    g_set_error_literal(error, VAULT_ERROR, VAULT_ERROR_STORAGE, "AES-256-GCM is not available");
    return FALSE;
  }
  if (!files_write_at(ring->fd, (const guint8 *)&fresh, sizeof fresh, place * KEYRING_SLOT_BYTES, error))
    return FALSE;
  if (fdatasync(ring->fd) != 0)
    return files_failed(error, "sync the key file");
  ring->used->data[place] = 1;
  *slot = place;
  return TRUE;
}

const guint8 *keyring_load(KeyRing *ring, gint64 number, const KeyOwner *owner, GError **error) {
  if (!read_slot(ring, number, &ring->loaded, error))
    return NULL;
  if (memcmp(ring->loaded.magic, magic_live, sizeof ring->loaded.magic) != 0) {
    const gboolean gone =
        sodium_is_zero((const guint8 *)&ring->loaded, sizeof ring->loaded) || memcmp(ring->loaded.magic, magic_tombstone, 8) == 0;
    g_set_error(error, VAULT_ERROR, gone ? VAULT_ERROR_ERASED : VAULT_ERROR_CORRUPT,
                gone ? "erased" : "key slot %" G_GINT64_FORMAT " is damaged", number);
    return NULL;
  }
  g_autofree char *bound = binding(number, owner);
  if (aead_unwrap(ring->secrets->root, bound, strlen(bound), ring->loaded.wrapped, ring->secrets->key))
    return ring->secrets->key;
  keyring_forget(ring);
  g_set_error(error, VAULT_ERROR, VAULT_ERROR_CORRUPT,
              "key slot %" G_GINT64_FORMAT
              " does not open: root.key and keys do not belong together, or the slot is damaged; restore both from one backup",
              number);
  return NULL;
}

gboolean keyring_unchanged(KeyRing *ring, gint64 number) {
  Slot now;
  return read_slot(ring, number, &now, NULL) && memcmp(&now, &ring->loaded, sizeof now) == 0;
}

void keyring_forget(KeyRing *ring) {
  sodium_memzero(ring->secrets->key, sizeof ring->secrets->key);
}

gboolean keyring_bury(KeyRing *ring, const gint64 *slots, guint n, const KeyTombstone *tombstone, GError **error) {
  keyring_forget(ring);
  Slot grave = {.scope = (guint8)tombstone->scope, .whole_session = tombstone->whole_session, .expired = tombstone->expired};
  memcpy(grave.magic, magic_tombstone, sizeof grave.magic);
  g_strlcpy(grave.participant, tombstone->participant, sizeof grave.participant);
  for (guint i = 0; i < n; i++)
    if (!files_write_at(ring->fd, (const guint8 *)&grave, sizeof grave, slots[i] * KEYRING_SLOT_BYTES, error))
      return FALSE;
  ring->unsynced |= n > 0;
  return TRUE;
}

gboolean keyring_sync(KeyRing *ring, GError **error) {
  if (!ring->unsynced)
    return TRUE;
  ring->unsynced = FALSE; /* after a failed sync the kernel may call the pages clean: a retry buries again first */
  return fdatasync(ring->fd) == 0 || files_failed(error, "sync the key file");
}

gboolean keyring_clear(KeyRing *ring, gint64 slot, GError **error) {
  static const Slot empty;
  if (!files_write_at(ring->fd, (const guint8 *)&empty, sizeof empty, slot * KEYRING_SLOT_BYTES, error))
    return FALSE;
  ring->used->data[slot] = 0;
  ring->unsynced = TRUE;
  return TRUE;
}
