/* unit_file.h - NAME.actor: one unit, that is an actor or a pool of them, as its author wants
 * it.
 *
 * A unit file is a value of the caller (init/fini) that nothing changes once it was read.
 * Master process, one thread. docs/configuration.md describes the keys to people. In [Actor]:
 *
 *   Description=   for people
 *   Plugin=        absolute path, or a name ("hello", "hello.so") that is searched in the
 *                  plug-in directories; ":TYPE" behind it chooses the actor type where the
 *                  plug-in holds several. Mandatory
 *   Type=          the same, as a key of its own
 *   Instances=     actors, 1 .. LIMIT_INSTANCES; default 1
 *   Worker=        any (default: spread over the workers), own (a process for this unit
 *                  alone), or a worker's number
 *   Mailbox=       messages, 1 .. 1048576; default 1024
 *   MailboxBytes=  1K .. 1G; default 32M
 *   Batch=         messages in one turn, 1 .. 1048576; default 1024
 *   Tasks=         tasks of an actor, 1 .. 100000; default 1000
 *   TaskStack=     64K .. 1M of each; default 64K
 *   Blocking=      jobs of their tasks in threads at a time, 1 .. 64; default 4
 *   TaskGrace=     for those of an actor that ends, 1ms .. 1h and at most StopTimeout=; default
 *                  5s, or nine tenths of StopTimeout= where that is less
 *   OnError=       what a handler's negative return does to the actor: continue (default)
 *                  or stop
 *   Default=       whether this unit serves its interfaces where several units provide them
 *   Balance=       how a pool's next actor is chosen: round-robin (default) or
 *                  least-outstanding
 *   Restart=       no, on-failure (default; crash, failed init, error), always (also after a
 *                  normal end)
 *   Isolate=       after-crash (default): from its second crash on it runs in a worker of its
 *                  own, if it may run anywhere; no
 *   LogRateLimitInterval=, LogRateLimitBurst=
 *                  lines that its actors and their children may log in that time; default
 *                  10000 in 30 s; 0 of either: no limit
 *   AllowGlobals=  whether the plug-in may have writable static data; default no
 *   StateDirectory=
 *                  whether it has a directory of its own below that of trouped.conf; default no
 *   Sockets=       names of sockets that were handed in to the daemon (FileDescriptorName= of
 *                  .socket units): its actors may listen there; list, at most
 *                  LIMIT_UNIT_SOCKETS; default: none
 *   Listen=        NAME=PLACE: sockets that the daemon opens for it, see listen_key.h; list, at
 *                  most LIMIT_UNIT_SOCKETS; default: none
 *   ListenMode=    of those at paths, in octal; default 0666
 *
 * and those of life_keys.h, whose defaults are trouped.conf's. [Config] is kept as it was
 * written: config_json() makes sense of it when the plug-in's Config type is known.
 */
#ifndef CONFIG_UNIT_FILE_H
#define CONFIG_UNIT_FILE_H

#include "base/limits.h"
#include "config/conf.h"
#include "config/conf_path.h"
#include "config/life_keys.h"
#include "config/settings.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unit_on_error { UNIT_CONTINUE, UNIT_STOP };
enum unit_worker { UNIT_WORKER_ANY, UNIT_WORKER_OWN, UNIT_WORKER_NUMBER };
enum unit_balance { UNIT_ROUND_ROBIN, UNIT_LEAST_OUTSTANDING };
enum unit_isolate { UNIT_ISOLATE_AFTER_CRASH, UNIT_ISOLATE_NO };

struct unit_placement {
	enum unit_worker worker;
	unsigned number; /* NUMBER only: 1 .. settings.workers */
};

struct unit_file {
	char *name;           /* "hello", "pool@eu" */
	char *file;           /* the path to name in problems and in the control interface */
	char *description;    /* NULL: none */
	char *plugin;         /* absolute path; the file was there when the unit was read */
	unsigned plugin_line; /* of Plugin=, with plugin_file, for problems found in the plug-in
			       */
	char *plugin_file;
	char *type; /* NULL: the plug-in's only one */
	unsigned instances;
	struct unit_placement placement;
	uint32_t mailbox, mailbox_bytes, batch;
	uint32_t tasks, task_stack, blocking;
	uint64_t task_grace_ns;
	uint64_t log_interval_ns; /* 0, or a burst of 0: no limit */
	unsigned log_burst;
	enum unit_on_error on_error;
	bool is_default;
	bool allow_globals;
	bool has_state;           /* StateDirectory=yes */
	struct conf_list sockets; /* names, each once */
	struct conf_list listens; /* texts for listen_key_parse(), each once */
	/* where each stands, for problems found when it is opened */
	struct conf_list listen_files;
	unsigned listen_lines[LIMIT_UNIT_SOCKETS];
	uint32_t listen_mode; /* of those at paths */
	enum unit_balance balance;
	uint64_t call_timeout_ns; /* of clients' direct calls; TEXT_INFINITY: none */
	enum restart_policy restart;
	enum unit_isolate isolate;
	struct life_keys life;
	/* The assignments of [Config], specifiers expanded; an empty value resets those before
	 * it. */
	struct conf config;
};

/* Read a unit's files. `settings` gives the defaults and the number of workers, `path` the
 * plug-in directories (after settings->plugin_path). -EINVAL: problems were noted, *unit is as
 * after unit_file_fini(); -ENOMEM. */
int unit_file_load(struct unit_file *unit, const struct conf_files *files,
		   const struct settings *settings, const struct conf_path *path,
		   struct problems *problems);

void unit_file_fini(struct unit_file *unit);

/* The two steps of that, for a unit that no file defines: from assignments already read, all
 * but its plug-in. file: what problems name; names: NULL: specifiers have no meaning. Whatever
 * it returns, unit_file_fini() ends *unit. -EINVAL: noted; -ENOMEM. */
int unit_file_init(struct unit_file *unit, const char *name, const char *file,
		   const struct conf *conf, const struct conf_names *names,
		   const struct settings *settings, struct problems *problems);
/* Make of Plugin= the path of a file that is there, and an actor type if it says one. -EINVAL:
 * noted; -ENOMEM. */
int unit_file_find_plugin(struct unit_file *unit, const struct conf *conf,
			  const struct settings *settings, const struct conf_path *path,
			  struct problems *problems);

/* What it takes to go from one definition to another, [Config] included (which takes a
 * restart). Changes neither. */
enum conf_change unit_file_compare(struct unit_file *before, struct unit_file *after);

/* Read all units that `path` finds: the good ones, sorted by name, and the problems of the
 * others. 0 or -ENOMEM. *ret_units is given: unit_files_free() it. */
int unit_files_load(const struct conf_path *path, const struct settings *settings,
		    struct unit_file **ret_units, size_t *ret_n, struct problems *problems);
void unit_files_free(struct unit_file *units, size_t n);

#endif
