#include "trouped/trouped.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "clients/audit.h"
#include "clients/watchers.h"
#include "master/places.h"
#include "process/deploy.h"
#include "process/place.h"
#include "requests/control.h"
#include "requests/listing.h"
#include "requests/relays.h"
#include "requests/reload_reply.h"
#include "requests/shutdown.h"
#include "requests/unit_reply.h"
#include "trouped/letters.h"
#include "trouped/unit_flush.h"
#include "trouped/worker_death.h"
#include "trouped/worker_parts.h"
#include "units/ends.h"
#include "units/master_state.h"
#include "units/names.h"
#include "units/providers.h"
#include "units/reload.h"
#include "units/slow.h"
#include "units/stall.h"
#include "units/unit.h"
#include "units/unit_life.h"
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

/* The master, and what its parts remember in it. */
struct master_whole {
	struct master master;
	struct audit audit;
	struct relays relays;
	struct listing listing;
	struct providers providers;
	struct unit_replies unit_replies;
	struct watchers watchers;
};

/* ---- stopping */

static bool has_workers(const struct master *master)
{
	workers_foreach (worker, master)
		if (worker->state != API_STATE_STOPPED)
			return true;
	return false;
}

static void on_deadline(struct loop_timer *timer)
{
	struct master *master = container_of(timer, struct master, deadline);

	loop_stop(master->loop);
}

static void check_stopped(struct master *master)
{
	if (has_workers(master))
		return;
	if (master->is_drained)
		loop_stop(master->loop);
	else if (!master->deadline.started)
		loop_timer_start(&master->deadline, SHUTDOWN_LAST_WORDS_NS);
}

/* ---- callbacks of the loop */

static void on_stop_signal(struct loop_signal *watcher)
{
	struct master *master = watcher->number == SIGTERM
					? container_of(watcher, struct master, on_terminate)
					: container_of(watcher, struct master, on_interrupt);

	master_stop(master);
}

static void on_hangup(struct loop_signal *watcher)
{
	struct master *master = container_of(watcher, struct master, on_hangup);
	struct reload_result result;

	if (master->is_stopping)
		return;
	(void)reload_run(master, &result);
	reload_result_fini(&result);
}

static void on_second(struct loop_timer *timer)
{
	struct master *master = container_of(timer, struct master, second);

	master_note_tick(master);
	stall_tick(master);
	slow_tick(master);
	workers_foreach (worker, master)
		letters_tick(worker);
	names_tick(master);
	ends_tick(master);
	places_tick(master);
	listing_tick(master);
	audit_tick(master->audit, &master->log, loop_now_ns(master->loop));
	(void)log_flush(&master->log);
	if (!master->is_ready)
		master_check_soon(master);
	loop_timer_start(&master->second, CLOCK_SECOND_NS);
}

static bool on_flush(struct loop_work *work)
{
	struct master *master = container_of(work, struct master, flush);
	bool more;

	units_flush(master);
	more = watchers_flush(master->watchers);
	if (!master->is_check_due)
		return more;
	master->is_check_due = false;
	reload_replies_check(master);
	if (master->is_stopping)
		check_stopped(master);
	else
		master_notify_manager(master);
	return more || master->is_check_due;
}

/* ---- beginning */

static int read_settings(struct master *master)
{
	int r = settings_load(&master->settings, &master->path, NULL, &master->conf_problems);

	problems_log(&master->conf_problems, &master->log);
	if (r == 0)
		master->log.level = master->settings.log_level;
	return r;
}

static int find_path(const struct master_options *options, struct conf_path *path)
{
	/* What people see of a file's path must not depend on where we were started. Where
	 * there is no such file, reading it returns the error. */
	cleanup_free char *config = options->config ? realpath(options->config, NULL) : NULL;
	struct conf_scope scope = {
		.user = geteuid() != 0,
		.instance = options->instance,
		.config = config ? config : options->config,
	};

	return conf_path_init(path, &scope);
}

/* Each worker costs a handful, each client one: all that the system allows. Workers inherit
 * it. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static int find_launcher(struct master *master)
{
	cleanup_free char *binary = NULL;
	int r = 0;

	master->launcher = master->options->launcher;
	if (!master->launcher.ops)
		r = place_find_program("troupe-worker", &binary);
	if (r == 0 && binary)
		r = launcher_fork_new(master->loop, binary, &master->launcher);
	if (r < 0)
		log_error(&master->log, "cannot find the program troupe-worker: %s",
			  strerror(-r));
	return r;
}

static int make_workers(struct master *master)
{
	struct worker *worker;
	int r = find_launcher(master);

	/* Without it backtraces have no source lines. */
	(void)place_find_program("troupe-symbolize", &master->symbolizer_binary);
	symbolizer_init(&master->symbolizer, master->loop, master->symbolizer_binary,
			worker_on_places, master);

	master->n_shared = master->settings.workers;
	for (unsigned i = 1; r == 0 && i <= master->n_shared; i++)
		r = worker_new(master, i, NULL, &worker);
	return r;
}

static void start_all(struct master *master)
{
	for (unsigned i = 1; i <= master->n_shared; i++)
		worker_start(master->workers[i]);
	units_foreach (unit, master)
		if (!unit->is_broken)
			unit_start(unit);
	master_check_soon(master);
}

static int watch_signals(struct master *master)
{
	struct loop_signal *const watched[] = {&master->on_terminate, &master->on_interrupt,
					       &master->on_hangup};
	sigset_t held;

	for (size_t i = 0; i < ARRAY_LEN(watched); i++) {
		int r = loop_signal_start(watched[i]);

		if (r < 0) {
			log_error(&master->log, "cannot watch for signals: %s", strerror(-r));
			return r;
		}
	}
	/* Signals that are pending since main() began are handled from now on. */
	sigemptyset(&held);
	sigaddset(&held, SIGTERM);
	sigaddset(&held, SIGINT);
	sigaddset(&held, SIGHUP);
	(void)sigprocmask(SIG_UNBLOCK, &held, NULL);
	return 0;
}

static void init_parts(struct master_whole *whole)
{
	struct master *master = &whole->master;

	master->audit = &whole->audit;
	master->relays = &whole->relays;
	master->listing = &whole->listing;
	master->providers = &whole->providers;
	master->unit_replies = &whole->unit_replies;
	master->watchers = &whole->watchers;
	list_init(&master->deployments);
	list_init(&master->changed_units);
	list_init(&master->reload_replies);
	list_init(&master->inquiries);
	opened_init(&master->opened);
	audit_init(master->audit);
	watchers_init(master->watchers, master);
	listing_init(master->listing, master);
	unit_replies_init(master->unit_replies, master);
	oom_init(&master->oom, "/proc/self/cgroup", "/sys/fs/cgroup");
	random_init(&master->random, random_seed_from_kernel());
	loop_signal_init(&master->on_terminate, master->loop, SIGTERM, on_stop_signal);
	loop_signal_init(&master->on_interrupt, master->loop, SIGINT, on_stop_signal);
	loop_signal_init(&master->on_hangup, master->loop, SIGHUP, on_hangup);
	loop_timer_init(&master->second, master->loop, on_second);
	loop_timer_init(&master->deadline, master->loop, on_deadline);
	loop_timer_init(&master->names_timer, master->loop, names_on_timer);
	loop_work_init(&master->flush, master->loop, on_flush);
	loop_work_start(&master->flush);
	loop_timer_start(&master->second, CLOCK_SECOND_NS);
	master->started_ns = master->tick_ns = master->stalls_ns = loop_clock_ns(master->loop);
}

int master_new(const struct master_options *options, struct log *log,
	       struct master **ret_master)
{
	struct master_whole *whole = calloc(1, sizeof(*whole));
	struct master *master;
	int r;

	if (!whole) {
		log_error(log, "cannot start: %s", strerror(ENOMEM));
		log_fini(log);
		return -ENOMEM;
	}
	master = &whole->master;
	master->options = options;
	master->worker_ops = &worker_parts;
	master->directory_lock = -1;
	master->log = *log;
	master->uid = geteuid();
	r = loop_new(&master->loop);
	if (r < 0) {
		log_error(&master->log, "cannot make an event loop: %s", strerror(-r));
		log_fini(&master->log);
		free(whole);
		return r;
	}
	init_parts(whole);
	r = find_path(options, &master->path);
	if (r < 0) {
		if (r == -EINVAL)
			log_error(&master->log,
				  "not a valid name of an instance, or there is no HOME");
		goto fail;
	}
	raise_descriptors();
	r = read_settings(master);
	if (r < 0)
		goto fail;
	r = control_new(master, &master->server);
	if (r == 0)
		r = places_listen(master);
	if (r == 0)
		r = places_make_directory(master);
	if (r == 0)
		r = make_workers(master);
	if (r == 0)
		r = reload_first(master);
	if (r == 0)
		r = watch_signals(master);
	if (r < 0)
		goto fail;
	notify_init(&master->notify, master->loop);
	start_all(master);
	*ret_master = master;
	return 0;
fail:
	/* Whatever else keeps it from starting has been logged where it is known. */
	if (r == -ENOMEM)
		log_error(&master->log, "cannot start: %s", strerror(-r));
	master_free(master);
	return r;
}

void master_run(struct master *master)
{
	loop_run(master->loop);
	log_notice(&master->log, "stopped");
}

void master_free(struct master *master)
{
	if (!master)
		return;
	master->is_stopping = true;
	/* First, so that no call is left whose callbacks would reach the parts freed below. */
	control_server_free(master->server);
	places_unlisten(master);
	sockets_fini(&master->sockets);
	units_foreach (unit, master)
		unit_free(unit);
	symbolizer_fini(&master->symbolizer);
	free(master->symbolizer_binary);
	opened_fini(&master->opened);
	deploy_free_all(&master->deployments);
	for (unsigned i = 1; i <= LIMIT_WORKERS; i++)
		worker_free(master->workers[i]);
	launcher_free(&master->launcher);
	places_remove_directory(master);
	notify_fini(&master->notify);
	settings_fini(&master->settings);
	conf_path_fini(&master->path);
	problems_fini(&master->conf_problems);
	problems_fini(&master->problems);
	oom_fini(&master->oom);
	loop_signal_stop(&master->on_terminate);
	loop_signal_stop(&master->on_interrupt);
	loop_signal_stop(&master->on_hangup);
	loop_timer_stop(&master->second);
	loop_timer_stop(&master->deadline);
	loop_timer_stop(&master->names_timer);
	watchers_fini(master->watchers);
	listing_fini(master->listing);
	unit_replies_fini(master->unit_replies);
	providers_fini(master->providers);
	loop_work_stop(&master->flush);
	loop_free(master->loop);
	log_fini(&master->log);
	free(container_of(master, struct master_whole, master));
}
