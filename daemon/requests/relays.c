#include "requests/relays.h"

#include "clients/errors.h"
#include "clients/held.h"
#include "io.troupe.Control.varlink.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include "proto/idl.h"
#include "proto/idl_names.h"
#include "units/stall.h"
#include "units/unit.h"
#include "units/version.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool relays_is_qualified(const char *text, size_t *ret_interface)
{
	const char *dot = strrchr(text, '.');

	if (!dot || !idl_is_member_name(dot + 1, strlen(dot + 1)) ||
	    !idl_is_interface_name(text, (size_t)(dot - text)))
		return false;
	*ret_interface = (size_t)(dot - text);
	return true;
}

static struct relay *find_relay(struct relays *relays, uint64_t id)
{
	struct relay *call;

	HASH_FIND(by_id, relays->open, &id, sizeof(id), call);
	return call;
}

/* Its worker has no more to do with it. */
static void leave_worker(struct relay *call)
{
	struct master *master = call->pending.master;
	struct instance *instance = unit_instance(master, call->version, call->instance);

	if (instance && instance->outstanding > 0)
		instance->outstanding--;
	if (call->by_id.tbl)
		HASH_DELETE(by_id, master->relays->open, call);
	call->worker->call_bytes -= call->bytes;
	call->worker = NULL;
	list_remove(&call->pending.link);
	loop_timer_stop(&call->pending.timer);
}

static void fini(struct pending *pending)
{
	struct relay *call = container_of(pending, struct relay, pending);

	if (call->worker)
		leave_worker(call);
	held_fini(&call->held);
}

/* Of much that is over it is to be known soon that the worker has read it, or one user's calls
 * could keep the others' out. */
static void fence_much(struct worker *worker)
{
	if (worker->over_bytes > LIMIT_CLIENT_CALL_BYTES / 8)
		stall_ping(worker);
}

void relays_on_pong(struct worker *worker)
{
	worker_pass_calls(worker);
	fence_much(worker);
}

/* No client waits any more: send the worker a cancellation, so that it does not go on with the
 * call. */
static void cancel(struct pending *pending)
{
	struct relay *call = container_of(pending, struct relay, pending);
	struct worker_cancel notice = {.call = (int64_t)call->id};

	if (!call->worker)
		return;
	(void)worker_send(call->worker, &worker_cancel_method, &notice, -1);
	/* It may be in the channel still. */
	call->worker->over_bytes += call->bytes;
	call->bytes = 0;
	fence_much(call->worker);
}

static void time_out(struct pending *pending)
{
	cancel(pending);
	pending_time_out(pending);
}

static void on_room(struct pending *pending);

static const struct pending_ops ops = {
	.size = sizeof(struct relay),
	.share = SHARE_CALLS,
	.on_gone = cancel,
	.on_late = time_out,
	.on_room = on_room,
	.fini = fini,
};

/* Whatever comes first, no deadline holds any more. */
static void lift_deadline(struct relay *call)
{
	loop_timer_stop(&call->pending.timer);
	call->deadline_ns = UINT64_MAX;
}

void relays_flush(struct master *master)
{
	struct relays *relays = master->relays;

	for (; relays->gathered; relays->gathered &= relays->gathered - 1) {
		const struct worker *worker =
			master->workers[__builtin_ctzll(relays->gathered) + 1];

		if (worker && worker->channel)
			(void)channel_flush(worker->channel);
	}
}

static int send_call(struct relay *call, const struct relay_target *target,
		     const struct relay_wish *wish)
{
	struct control_call *client = call->pending.client;
	uint64_t mark = 1ull << (target->worker->number - 1);
	bool oneway = call->kind == RELAY_SEND || client->oneway;
	struct worker_call notice = {
		.call = (int64_t)call->id,
		.to = target->address,
		.method = {wish->method.text, strlen(wish->method.text)},
		.interfaceSize = (int64_t)wish->method.interface,
		.parameters = {wish->parameters.at, wish->parameters.size},
		.more = client->more,
		.oneway = oneway,
		.client = oneway ? (int64_t)control_call_mark(client, mark) : 0,
		.deadlineNs = wish->deadline_ns <= INT64_MAX ? (int64_t)wish->deadline_ns : 0,
	};

	call->pending.master->relays->gathered |= mark;
	return worker_send_soon(target->worker, &worker_call_method, &notice);
}

/* NULL: the client was answered. */
static struct relay *new_call(struct master *master, struct control_call *client,
			      const struct relay_target *target, const struct relay_wish *wish,
			      size_t bytes)
{
	struct relays *relays = master->relays;
	struct relay *call = pending_new(&ops, master, client, &target->worker->calls, bytes);

	if (!call)
		return NULL;
	held_init(&call->held, client);
	call->kind = wish->kind;
	client->wraps = wish->kind == RELAY_WRAPPED;
	call->deadline_ns = wish->deadline_ns;
	call->is_until_kept = client->more && wish->is_default;
	call->worker = target->worker;
	call->bytes = bytes;
	call->worker->call_bytes += bytes;
	call->id = ++relays->last_id;
	HASH_ADD(by_id, relays->open, id, sizeof(call->id), call);
	if (!call->by_id.tbl) {
		pending_overload(&call->pending);
		return NULL;
	}
	if (target->instance) {
		call->version = target->instance->version->number;
		call->instance = target->instance->number;
		target->instance->outstanding++;
	}
	return call;
}

/* The worker cannot be given the call. */
static void fail_unsent(struct control_call *client, const char *actor, int error)
{
	if (error == -ENOTCONN)
		control_call_fail(client, &api_actor_died_error,
				  &(struct api_actor_died){.actor = actor});
	else if (error == -EMSGSIZE)
		control_call_fail(
			client, &api_failed_error,
			&(struct api_failed){.code = error, .message = strerror(-error)});
	else
		control_overloaded(client);
}

void relays_begin(struct master *master, struct control_call *client,
		  const struct relay_target *target, const struct relay_wish *wish)
{
	size_t bytes = sizeof(struct relay) + strlen(wish->method.text) + wish->parameters.size;
	uint64_t now = loop_now_ns(master->loop);
	struct relay *call;
	int r;

	/* What a worker has not answered, and calls that are over, may all be waiting in its
	 * channel, which has a limit that must not be reached: it would cost the worker its
	 * life.
	 */
	if (target->worker->call_bytes + bytes > LIMIT_CLIENT_CALL_BYTES) {
		fail_unsent(client, target->name, -ENOBUFS);
		return;
	}
	call = new_call(master, client, target, wish, bytes);
	if (!call)
		return;
	r = send_call(call, target, wish);
	if (r < 0) {
		fail_unsent(client, target->name, r);
		pending_free(&call->pending);
		return;
	}
	if (wish->deadline_ns != UINT64_MAX)
		loop_timer_start(&call->pending.timer,
				 wish->deadline_ns > now ? wish->deadline_ns - now : 0);
}

/* ---- answers */

static const struct json_span nothing = {"{}", 2};

static struct json_span text_of(const struct relay *call, const struct worker_reply *reply)
{
	struct json_span text = {reply->parameters.data, reply->parameters.size};

	return text.size > 0 && (call->kind != RELAY_SEND || reply->error) ? text : nothing;
}

/* The call's last reply or error: sent after the replies that its client has not read yet. */
static void finish_call(struct relay *call, const char *error, const char *text, size_t size)
{
	if (held_finish(&call->held, error, text, size))
		pending_free(&call->pending);
	else
		leave_worker(call);
}

/* Give the call up: cancel it at the worker and answer the client with Overloaded. */
static void overload_call(struct relay *call)
{
	cancel(&call->pending);
	pending_overload(&call->pending);
}

/* Send the worker how much of a stream its client has taken, so that the actor goes on. */
static void report_taken(struct relay *call)
{
	struct worker_taken taken = {
		.call = (int64_t)call->id,
		.count = call->held.taken,
		.bytes = (int64_t)call->held.taken_bytes,
	};
	int r;

	if (!call->worker || !held_has_taken_much(&call->held))
		return;
	r = worker_send(call->worker, &worker_taken_method, &taken, -1);
	call->held.taken = 0;
	call->held.taken_bytes = 0;
	/* The actor would wait for ever. Of a worker that is gone the end follows. */
	if (r < 0 && r != -ENOTCONN)
		overload_call(call);
}

static void on_room(struct pending *pending)
{
	struct relay *call = container_of(pending, struct relay, pending);

	if (held_flush(&call->held))
		pending_free(pending);
	else
		report_taken(call);
}

/* One more of a stream's replies. */
static void pass_on(struct relay *call, struct json_span text)
{
	/* The deadline was for the first reply. */
	lift_deadline(call);
	/* A gap in a stream would go unseen: if its client does not read, it ends. */
	if (held_add(&call->held, text.at, text.size) < 0)
		overload_call(call);
	else
		report_taken(call);
}

/* Whether it may go to a client, who takes it for ours: the one time that a worker's text is
 * looked at. */
static bool is_sound(const struct worker_reply *reply)
{
	size_t size = reply->parameters.size, interface;

	return (size == 0 ||
		json_pick(reply->parameters.data, size, NULL, 0, NULL, NULL) == 0) &&
	       (!reply->error || relays_is_qualified(reply->error, &interface));
}

bool relays_reply(struct worker *worker, const struct worker_reply *reply)
{
	struct relays *relays = worker->master->relays;
	struct relay *call = find_relay(relays, (uint64_t)reply->call);
	struct json_span text;

	if (!is_sound(reply))
		return false;
	/* A cancelled call's reply may have been on its way. */
	if (!call || call->worker != worker) {
		relays->strays++;
		return true;
	}
	/* The timer's turn comes after what was read in the same pass. */
	if (loop_now_ns(worker->master->loop) >= call->deadline_ns) {
		relays->strays++;
		time_out(&call->pending);
		return true;
	}
	text = text_of(call, reply);
	if (!reply->error && reply->continues && call->pending.client->more) {
		pass_on(call, text);
		return true;
	}
	/* More replies than the client has asked for. */
	if (!reply->error && reply->continues)
		cancel(&call->pending);
	finish_call(call, reply->error, text.at, text.size);
	return true;
}

void relays_kept(struct worker *worker, uint64_t id)
{
	struct relay *call = find_relay(worker->master->relays, id);

	if (!call || call->worker != worker)
		return;
	/* It lies in the channel no more. */
	worker->call_bytes -= call->bytes;
	call->bytes = 0;
	if (list_is_empty(&call->held.replies))
		(void)control_call_claim(call->pending.client, SHARE_CALLS, 0);
	if (call->is_until_kept)
		lift_deadline(call);
}

static void fail_died(struct relay *call, bool is_culprit)
{
	struct instance *instance =
		unit_instance(call->pending.master, call->version, call->instance);
	const char *crashed = is_culprit ? "\"crashed\":true" : "";
	char text[LIMIT_NAME + 64];

	/* A unit's name needs no escapes. */
	if (instance)
		(void)snprintf(text, sizeof(text), "{\"actor\":\"%s/%u\"%s%s}",
			       instance->unit->name, instance->number, is_culprit ? "," : "",
			       crashed);
	else
		(void)snprintf(text, sizeof(text), "{%s}", crashed);
	finish_call(call, api_actor_died_error.name, text, strlen(text));
}

void relays_worker_down(struct worker *worker, uint64_t culprit)
{
	list_each (struct relay, call, &worker->calls, pending.link)
		fail_died(call, call->id == culprit);
	worker_fence_calls(worker);
	worker_pass_calls(worker);
}
