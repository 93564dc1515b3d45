/* SPDX-License-Identifier: Apache-2.0 */
#include "pipelines/transport/ice-service.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "pipelines/transport/control.h"

#define END_PATIENCE_MS   1000
#define AGENT_DESCRIPTORS 8 /* a socket for each address of the machine, and one for the TURN server */

struct IceService {
  IceServers servers;
  GMainContext *context;
  GMainLoop *loop;
  pthread_t thread;
  _Atomic guint agents;
  guint agents_max;
  gboolean ending; /* the service's thread */
};

static void secret_free(char *text) {
  if (text != NULL)
    OPENSSL_cleanse(text, strlen(text));
  g_free(text);
}

static void *service_main(void *data) {
  IceService *service = data;
  g_main_context_push_thread_default(service->context); /* what libnice calls back asynchronously comes here */
  g_main_loop_run(service->loop);
  g_main_context_pop_thread_default(service->context);
  return NULL;
}

static guint room_for_agents(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return 0;
  return (guint)MIN(limit.rlim_cur / 2 / AGENT_DESCRIPTORS, G_MAXINT);
}

IceService *ice_service_new(const IceServers *servers) {
  IceService *service = g_new0(IceService, 1);
  service->agents_max = room_for_agents();
  service->servers = (IceServers){.stun = {g_strdup(servers->stun.address), servers->stun.port},
                                  .turn = {g_strdup(servers->turn.address), servers->turn.port},
                                  .turn_user = g_strdup(servers->turn_user),
                                  .turn_password = g_strdup(servers->turn_password),
                                  .relay_only = servers->relay_only,
                                  .bind = g_strdup(servers->bind)};
  service->context = g_main_context_new();
  service->loop = g_main_loop_new(service->context, FALSE);
  if (pthread_create(&service->thread, NULL, service_main, service) != 0)
    g_error("no thread for full-ICE legs");
  (void)pthread_setname_np(service->thread, "recgate-ice");
  return service;
}

static void quit_when_idle(IceService *service) {
  if (service->ending && atomic_load(&service->agents) == 0)
    g_main_loop_quit(service->loop);
}

static gboolean on_patience_over(gpointer loop) {
  g_main_loop_quit(loop);
  return G_SOURCE_REMOVE;
}

static void end(gpointer data) {
  IceService *service = data;
  g_autoptr(GSource) patience = g_timeout_source_new(END_PATIENCE_MS);
  g_source_set_callback(patience, on_patience_over, service->loop, NULL);
  g_source_attach(patience, service->context);
  service->ending = TRUE;
  quit_when_idle(service);
}

void ice_service_free(IceService *service) {
  if (service == NULL)
    return;
  control_post(service->context, G_PRIORITY_DEFAULT, end, service, NULL);
  pthread_join(service->thread, NULL);
  g_main_loop_unref(service->loop);
  g_main_context_unref(service->context);
  g_free(service->servers.stun.address);
  g_free(service->servers.turn.address);
  g_free((char *)service->servers.turn_user);
  secret_free((char *)service->servers.turn_password);
  g_free((char *)service->servers.bind);
  g_free(service);
}

gboolean ice_service_has_room(const IceService *service) {
  return atomic_load(&service->agents) < service->agents_max;
}

const IceServers *ice_service_servers(const IceService *service) {
  return &service->servers;
}

GMainContext *ice_service_context(const IceService *service) {
  return service->context;
}

void ice_service_agent_made(IceService *service) {
  atomic_fetch_add(&service->agents, 1);
}

void ice_service_agent_gone(IceService *service) {
  atomic_fetch_sub(&service->agents, 1);
  quit_when_idle(service);
}
