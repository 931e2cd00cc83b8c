#include "requests/shutdown.h"

#include "clients/pending.h"
#include "clients/watchers.h"
#include "master/master.h"
#include "master/worker.h"
#include "requests/route.h"
#include "requests/waiter.h"

static void on_drained(void *context)
{
	struct master *master = context;

	master->is_drained = true;
	master_check_soon(master);
}

static void hurry(struct master *master)
{
	log_notice(&master->log, "asked to stop once more: not waiting any longer");
	master->is_drained = true;
	workers_foreach (worker, master)
		worker_kill(worker, "we are in a hurry to stop", false);
	master_check_soon(master);
}

void master_stop(struct master *master)
{
	if (master->is_stopping) {
		hurry(master);
		return;
	}
	master->is_stopping = true;
	log_notice(&master->log, "stopping");
	notify_stopping(&master->notify);
	watchers_end(master->watchers);
	route_end(master);
	waiters_end(master);
	pending_refuse_all(&master->reload_replies);
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		if (master->workers[i])
			worker_stop(master->workers[i]);
	control_server_drain(master->server, on_drained, master);
	master_check_soon(master);
}
