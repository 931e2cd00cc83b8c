#include "requests/control.h"

#include "clients/access.h"
#include "clients/audit.h"
#include "clients/shares.h"
#include "config.h"
#include "io.troupe.Control.varlink.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "requests/control_handlers.h"
#include "requests/relays.h"

static const struct control_method methods[] = {
	{&api_status_method, CONTROL_OBSERVE, .handle = control_on_status},
	{&api_workers_method, CONTROL_OBSERVE, .handle = control_on_workers},
	{&api_list_method, CONTROL_OBSERVE, .handle = control_on_list},
	{&api_describe_method, CONTROL_OBSERVE, .handle = control_on_describe},
	{&api_actors_method, CONTROL_OBSERVE, .handle = control_on_actors},
	{&api_tasks_method, CONTROL_OBSERVE, .handle = control_on_tasks},
	{&api_blocked_method, CONTROL_OBSERVE, .handle = control_on_blocked},
	{&api_watch_method, CONTROL_OBSERVE, .handle = control_on_watch, .needs_more = true},
	{&api_call_method, CONTROL_CALL, .handle = control_on_call},
	{&api_send_method, CONTROL_CALL, .handle = control_on_send},
	{&api_stop_method, CONTROL_MANAGE, .handle = control_on_stop},
	{&api_start_method, CONTROL_MANAGE, .handle = control_on_start},
	{&api_restart_method, CONTROL_MANAGE, .handle = control_on_restart},
	{&api_kill_method, CONTROL_MANAGE, .handle = control_on_kill},
	{&api_reload_method, CONTROL_MANAGE, .handle = control_on_reload},
	{&api_shutdown_method, CONTROL_MANAGE, .handle = control_on_shutdown},
	/* It names a file to run. */
	{&api_spawn_method, CONTROL_DEPLOY, .handle = control_on_spawn},
	{0},
};

static const struct control_service service = {.interface = &api_interface, .methods = methods};
static const struct control_service *const services[] = {&service, NULL};

static enum control_level level_of(void *context, const struct control_peer *peer)
{
	struct master *master = context;

	return access_level(&master->settings, master->uid, peer);
}

static void on_audit(void *context, const struct control_peer *peer, const char *method,
		     const char *target, bool allowed)
{
	struct master *master = context;

	audit_request(master->audit, &master->log, peer, method, target, allowed,
		      loop_now_ns(master->loop));
}

static void on_trouble(void *context, const char *text)
{
	struct master *master = context;

	log_warning(&master->log, "control socket: %s", text);
}

static void on_served(void *context)
{
	relays_flush(context);
}

/* Of a connection, a bit for each worker that it has sent something without an answer to:
 * those are notified. One that has gone knows nothing of it, and its successor never did. */
static void on_left(void *context, uint64_t client, uint64_t marks)
{
	struct master *master = context;
	struct worker_client_gone gone = {.client = (int64_t)client};

	workers_foreach (worker, master)
		if (marks >> (worker->number - 1) & 1)
			(void)worker_send(worker, &worker_client_gone_method, &gone, -1);
}

static const struct control_ops ops = {
	.level_of = level_of,
	.on_foreign = control_on_foreign,
	.list_interfaces = control_list_interfaces,
	.describe_interface = control_describe_interface,
	.audit = on_audit,
	.on_trouble = on_trouble,
	.on_served = on_served,
	.on_left = on_left,
};

int control_new(struct master *master, struct control_server **ret_server)
{
	struct control_config config = {
		.loop = master->loop,
		.services = services,
		.ops = &ops,
		.context = master,
		.vendor = "Troupe",
		.product = "trouped",
		.version = TROUPE_VERSION,
		.url = "man:trouped(8)",
		.frame_max = master->settings.frame_max,
		.connections = master->settings.connections,
		.connections_uid = master->settings.connections_uid,
		.connections_kept = LIMIT_CONNECTIONS_KEPT,
		.shares = shares,
	};

	return control_server_new(&config, ret_server);
}
