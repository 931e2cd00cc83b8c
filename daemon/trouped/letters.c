#include "trouped/letters.h"

#include "base/clock.h"
#include "clients/watchers.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/address.h"
#include "units/unit.h"
#include <stdio.h>
#include <string.h>

#define INTERVAL_NS (30 * CLOCK_SECOND_NS)
#define BURST       10 /* lines in it */

#define METHOD_MAX 255 /* bytes; a worker cuts what is longer */
#define REASON_MAX 60
#define WHO_MAX    96 /* a unit's name and an instance's number, or an address */

void letters_init(struct letters *letters)
{
	*letters = (struct letters){0};
	rate_limit_init(&letters->limit, INTERVAL_NS, BURST);
}

/* An actor as people call it, if it may be looked for among all that its worker has. "":
 * nothing is known of it. */
static void print_who(struct master *master, struct troupe_address address, bool may_look,
		      char *text)
{
	const struct instance *instance =
		may_look ? instance_by_address(master, address) : NULL;

	if (instance)
		(void)snprintf(text, WHO_MAX, "%s/%u", instance->unit->file.name,
			       instance->number);
	else if (address.generation != 0)
		address_print(address, text);
	else if (address.worker != 0)
		(void)snprintf(text, WHO_MAX, "worker %u", address.worker);
	else
		text[0] = '\0';
}

/* Whether undelivered messages are a loss: the callers of the others do not wait any more. */
static bool is_loss(const char *reason)
{
	return strcmp(reason, "caller-gone") != 0 && strcmp(reason, "expired") != 0;
}

static void log_unlogged(struct worker *worker)
{
	struct letters *letters = worker->letters;

	if (letters->unlogged == 0)
		return;
	log_warning(&worker->master->log, "worker %u: %ju more messages were not delivered",
		    worker->number, (uintmax_t)letters->unlogged);
	letters->unlogged = 0;
	(void)rate_limit_take_suppressed(&letters->limit, UINT64_MAX);
}

void letters_on_notice(struct worker *worker, const struct worker_dead_letter *notice)
{
	struct letters *letters = worker->letters;
	struct master *master = worker->master;
	char from[WHO_MAX], to[WHO_MAX], text[METHOD_MAX + REASON_MAX + 2 * WHO_MAX + 32];
	uint64_t now = loop_now_ns(master->loop);
	bool is_logged, may_look;

	if (++letters->n_notices > LIMIT_DEAD_LETTER_NOTICES) {
		worker_broke_protocol(worker, "a flood of dead letters");
		return;
	}
	if (notice->count < 1 || strlen(notice->method) > METHOD_MAX ||
	    strlen(notice->reason) > REASON_MAX) {
		worker_broke_protocol(worker, "dead letters that make no sense");
		return;
	}
	if (rate_limit_take_suppressed(&letters->limit, now) > 0)
		log_unlogged(worker);
	is_logged = rate_limit_pass(&letters->limit, now);
	if (!is_logged &&
	    __builtin_add_overflow(letters->unlogged, notice->count, &letters->unlogged))
		letters->unlogged = UINT64_MAX;
	if (!is_logged && !watchers_any(master->watchers))
		return;
	may_look = letters->n_notices <= LIMIT_DEAD_LETTER_LOOKS;
	print_who(master, notice->from, may_look, from);
	print_who(master, notice->to, may_look, to);
	(void)snprintf(text, sizeof(text), "%s%s%s%s%s: %s",
		       notice->method[0] ? notice->method : "a message",
		       from[0] ? " from " : "", from, to[0] ? " to " : "", to, notice->reason);
	if (is_logged)
		log_write(&master->log, is_loss(notice->reason) ? LOG_P_WARNING : LOG_P_INFO,
			  "worker %u: %jd message%s not delivered: %s", worker->number,
			  (intmax_t)notice->count, notice->count == 1 ? "" : "s", text);
	watchers_put(master->watchers,
		     &(struct api_watch_out){
			     .event = API_WATCH_OUT_EVENT_DEAD_LETTERS,
			     .worker = &(int64_t){worker->number},
			     .text = text,
			     .count = &notice->count,
			     .sender = from[0] ? from : NULL,
			     .receiver = to[0] ? to : NULL,
			     .method = notice->method[0] ? notice->method : NULL,
			     .reason = notice->reason[0] ? notice->reason : NULL,
		     });
}

void letters_tick(struct worker *worker)
{
	struct letters *letters = worker->letters;

	letters->n_notices = 0;
	if (rate_limit_take_suppressed(&letters->limit, loop_now_ns(worker->master->loop)) > 0)
		log_unlogged(worker);
}

void letters_end(struct worker *worker)
{
	log_unlogged(worker);
	worker->letters->n_notices = 0;
}
