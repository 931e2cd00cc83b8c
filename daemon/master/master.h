/* master.h - the whole state of trouped: its configuration, its processes, its clients.
 *
 * One per process, made by main() and passed to every part; there is no other state. One
 * thread. The parts reach each other through it, in layers: the workers here, then clients/
 * (calls that wait, and who watches), units/ (what is to run, and where), requests/ (what
 * clients ask for) and trouped/ (what follows from events, and the whole). What belongs to one
 * part is a pointer here, and its struct is known to that part alone.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "base/limits.h"
#include "base/list.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/random.h"
#include "config/conf_path.h"
#include "config/problems.h"
#include "config/settings.h"
#include "control/server.h"
#include "io.troupe.Control.varlink.h"
#include "master/notify.h"
#include "master/opened.h"
#include "master/pulse.h"
#include "master/sockets.h"
#include "process/launcher.h"
#include "process/oom.h"
#include "process/symbolizer.h"
#include <stdbool.h>
#include <stdint.h>

/* How the daemon was started. Strings are borrowed for the life of the master. */
struct master_options {
	const char *instance; /* --instance; NULL: none */
	const char *config;   /* --config; NULL: the directories of the system or the user */
	const char *socket;   /* --socket; NULL: that of the settings */
	/* How workers come to be; taken over. NULL ops: by fork. */
	struct launcher launcher;
};

struct worker;
struct unit;
struct version;
struct audit;
struct relays;
struct listing;
struct providers;
struct unit_replies;
struct watchers;

struct master {
	const struct master_options *options;
	struct log log;
	struct loop *loop;
	struct random random;
	uint64_t started_ns;
	uid_t uid; /* our own, who may do all */

	/* Configuration as it was last read */
	struct conf_path path;
	struct settings settings;
	struct oom oom;
	struct problems conf_problems; /* of trouped.conf as it was read last */
	struct problems problems;      /* of the units, and of the search for them */

	/* Processes */
	struct launcher launcher;
	char *directory;        /* 0700, of the inboxes; NULL until made */
	int directory_lock;     /* held while it is ours */
	bool is_directory_lost; /* it cannot be made again; that was logged */
	const struct worker_ops *worker_ops;
	struct worker *workers[LIMIT_WORKERS + 1]; /* by number, from 1 */
	uint32_t incarnations[LIMIT_WORKERS + 1];  /* the last one that each number had */
	unsigned n_shared; /* Workers=: 1 .. n_shared; above: units' own */
	struct symbolizer symbolizer;
	char *symbolizer_binary; /* NULL: not found */
	uint64_t worker_restarts;
	uint64_t last_request; /* number of what workers are asked */

	/* What should run */
	struct unit *units_by_name; /* uthash */
	struct version *versions;   /* uthash, by number */
	uint32_t last_version;
	struct list deployments;
	uint32_t last_deployment;
	struct list changed_units; /* to be looked at before the loop sleeps */
	uint64_t n_changes;        /* of units so far: each that came, went or changed */

	/* Who asks. What belongs to one part is seen by that part alone. */
	struct control_server *server;
	char *socket;  /* the path listened at; NULL: handed in by systemd */
	int socket_fd; /* likewise; the server's */
	struct control_place socket_place;
	bool has_handed_control;  /* the service manager has handed in a control socket */
	struct sockets sockets;   /* what else it has handed in */
	struct opened_all opened; /* what was opened for units, by Listen= */
	struct relays *relays;
	struct audit *audit;
	struct listing *listing;
	struct unit_replies *unit_replies;
	struct providers *providers;
	struct list inquiries; /* what workers are to answer, by notices or by their ends */
	struct watchers *watchers;
	struct list reload_replies;

	struct notify notify;
	struct loop_signal on_terminate, on_interrupt, on_hangup;
	struct loop_timer second, deadline, names_timer;
	struct loop_work flush;
	uint64_t tick_ns, woke_ns, slept_ns, asleep_ns; /* of pulse.c */
	uint64_t stalls_ns;                             /* the last look; of stall.c */
	unsigned n_stalled;                             /* workers */
	bool is_ready;     /* everything configured has started or failed once */
	bool is_stopping;  /* SIGTERM or Shutdown */
	bool is_drained;   /* the control socket has sent all replies, or is not waited for */
	bool is_check_due; /* a look at readiness is due */
	bool must_notify;  /* the service manager waits for READY=1 */
	char status[160];  /* the STATUS= sent last */
};

#endif
