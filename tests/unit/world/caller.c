#include "caller.h"

#include "base/check.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HUGE_BURST 30000

#define CALL(name, method, parameters, more)                                                   \
	"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"" name              \
	"\",\"method\":\"io.troupe.test." method "\",\"parameters\":" parameters "}" more "}"

static uint64_t draw(struct caller *caller, uint64_t bound)
{
	return random_below(&caller->client.world->random, bound);
}

void caller_init(struct caller *caller, struct world *world, unsigned number,
		 struct caller_sums *sums)
{
	*caller = (struct caller){.sums = sums, .number = number, .is_open = true};
	client_init(&caller->client, world);
}

void caller_fini(struct caller *caller)
{
	caller->sums->abandoned += caller->n_awaited;
	caller->n_awaited = 0;
	caller->is_open = false;
	client_fini(&caller->client);
}

void caller_print(const struct caller *caller)
{
	for (unsigned i = 0; i < caller->n_awaited; i++) {
		const struct caller_call *call = &caller->awaited[i];

		print_error(
			"caller %u waits for %s, call %ju of %ju ms ago, %jd of %jd replies\n",
			caller->number, call->method, (uintmax_t)call->id,
			(uintmax_t)((world_now_ns(caller->client.world) - call->sent_ns) /
				    CLOCK_MS_NS),
			(intmax_t)call->got, (intmax_t)call->count);
	}
}

/* ---- calling */

void caller_send(struct caller *caller, enum caller_kind kind, const char *method,
		 const char *message)
{
	struct caller_call *call = &caller->awaited[caller->n_awaited];

	check(caller->n_awaited < CALLER_AWAITED);
	*call = (struct caller_call){
		.kind = kind,
		.id = caller->last_id,
		.sent_ns = world_now_ns(caller->client.world),
	};
	(void)snprintf(call->method, sizeof(call->method), "%s", method);
	if (!client_send(&caller->client, message))
		return;
	caller->n_awaited++;
	caller->sums->calls++;
}

static void send_oneway(struct caller *caller, const char *message)
{
	if (client_send(&caller->client, message))
		caller->sums->oneways++;
}

static const char *pick_unit(struct caller *caller)
{
	static const char *const units[] = {"pool", "one", "pool/0", "pool/1", "two"};

	return units[draw(caller, sizeof(units) / sizeof(units[0]))];
}

static void send_answer(struct caller *caller, enum caller_kind kind)
{
	char text[512], timeout[48] = "";
	unsigned delay_ms = (unsigned)(draw(caller, 3) == 0 ? draw(caller, 2000) : 0);
	uint64_t id = ++caller->last_id;

	if (draw(caller, 4) == 0)
		(void)snprintf(timeout, sizeof(timeout), ",\"timeoutMs\":%u",
			       1 + (unsigned)draw(caller, 3000));
	if (kind == CALLER_ANSWER && draw(caller, 4) == 0)
		(void)snprintf(text, sizeof(text),
			       "{\"method\":\"io.troupe.test.slow.Answer\",\"parameters\":"
			       "{\"text\":\"#%u.%ju#\",\"delayMs\":%u}}",
			       caller->number, (uintmax_t)id, delay_ms);
	else
		(void)snprintf(text, sizeof(text),
			       "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{"
			       "\"name\":\"%s\","
			       "\"method\":\"io.troupe.test.%s.Answer\",\"parameters\":{%s%s%s"
			       "\"text\":\"#%u.%ju#\",\"delayMs\":%u}%s}}",
			       kind == CALLER_RELAYED ? "relay" : pick_unit(caller),
			       kind == CALLER_RELAYED ? "relay" : "slow",
			       kind == CALLER_RELAYED ? "\"to\":\"" : "",
			       kind == CALLER_RELAYED ? pick_unit(caller) : "",
			       kind == CALLER_RELAYED ? "\"," : "", caller->number,
			       (uintmax_t)id, delay_ms, timeout);
	caller_send(caller, kind, kind == CALLER_RELAYED ? "relay.Answer" : "Answer", text);
}

/* At times more than its connection takes in while it does not read. */
static uint64_t pick_size(struct caller *caller)
{
	uint64_t lot = draw(caller, 60);

	return lot == 0 ? HUGE_BURST : lot < 6 ? 3000 : 100;
}

static void send_stream(struct caller *caller, enum caller_kind kind)
{
	bool is_relayed = kind == CALLER_STREAM && draw(caller, 3) == 0;
	int64_t count =
		1 + (int64_t)draw(caller, kind == CALLER_BURST ? pick_size(caller) : 30);
	char text[512], detail[64];
	struct caller_call *call;

	caller->last_id++;
	if (kind == CALLER_BURST)
		(void)snprintf(detail, sizeof(detail), "\"count\":%jd", (intmax_t)count);
	else
		(void)snprintf(detail, sizeof(detail), "\"count\":%jd,\"periodMs\":%u",
			       (intmax_t)count, 1 + (unsigned)draw(caller, 300));
	(void)snprintf(text, sizeof(text),
		       "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"%s\","
		       "\"method\":\"io.troupe.test.%s.%s\",\"parameters\":{%s%s%s%s}},"
		       "\"more\":true}",
		       is_relayed ? "relay" : pick_unit(caller), is_relayed ? "relay" : "slow",
		       kind == CALLER_BURST ? "Burst" : "Stream", is_relayed ? "\"to\":\"" : "",
		       is_relayed ? pick_unit(caller) : "", is_relayed ? "\"," : "", detail);
	call = &caller->awaited[caller->n_awaited];
	caller_send(caller, kind, kind == CALLER_BURST ? "Burst" : "Stream", text);
	call->count = count;
}

/* What ends in one reply, or in an error, by an actor or by the daemon. */
static void send_assorted(struct caller *caller)
{
	static const char *const messages[] = {
		CALL("pool", "slow.Drop", "{}", ""),
		CALL("pool", "slow.Forget", "{}", ""),
		CALL("one", "slow.Fail", "{\"code\":-5}", ""),
		CALL("two", "slow.Missing", "{}", ""),
		CALL("one", "slow.Kept", "{}", ""),
		CALL("pool", "slow.Much", "{\"bytes\":100000}", ""),
		CALL("nobody", "slow.Kept", "{}", ""),
		CALL("pool/9", "slow.Kept", "{}", ""),
		CALL("one", "slow.Stream", "{\"count\":0,\"periodMs\":0}", ""),
		CALL("two", "slow.Stream", "{\"count\":9,\"periodMs\":10}", ""),
		CALL("crash", "crash.Ping", "{}", ""),
		CALL("relay", "relay.Provoke",
		     "{\"to\":\"one\",\"habit\":\"never\",\"timeoutMs\":700}", ""),
		CALL("relay", "relay.Provoke", "{\"to\":\"pool\",\"habit\":\"drop\"}", ""),
		CALL("relay", "relay.Provoke", "{\"to\":\"two\",\"habit\":\"fail\"}", ""),
		"{\"method\":\"io.troupe.Control.Call\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Never\",\"parameters\":{},\"timeoutMs\":900}}",
		"{\"method\":\"io.troupe.Control.Send\",\"parameters\":{\"name\":\"pool\","
		"\"method\":"
		"\"io.troupe.test.slow.Kept\"}}",
		/* Without a deadline: on_room must come, or the sink's end. */
		"{\"method\":\"io.troupe.test.flood.Flood\",\"parameters\":{\"sink\":\"sink\","
		"\"count\":3000}}",
		"{\"method\":\"io.troupe.test.flood.Flood\",\"parameters\":{\"sink\":\"sink\","
		"\"count\":100}}",
		CALL("sink", "sink.Taken", "{}", ""),
		CALL("noisy", "noisy.Say", "{\"text\":\"x\",\"lines\":40,\"childLines\":40}",
		     ""),
		CALL("noisy", "noisy.Fail", "{\"code\":-5}", ""),
		CALL("noisy", "noisy.FailLater", "{\"code\":-5}", ""),
		CALL("noisy", "noisy.Mumble", "{\"name\":\"x\"}", ""),
		CALL("noisy", "noisy.Missend", "{}", ""),
		CALL("noisy", "noisy.EndChild", "{\"code\":-5}", ""),
		CALL("noisy", "noisy.Blast", "{\"to\":\"noisy\",\"count\":30,\"holdMs\":1}",
		     ""),
		"{\"method\":\"io.troupe.Control.Status\"}",
		"{\"method\":\"io.troupe.Control.List\"}",
		"{\"method\":\"io.troupe.Control.Workers\"}",
		"{\"method\":\"io.troupe.Control.Actors\"}",
		"{\"method\":\"io.troupe.Control.Actors\",\"more\":true,\"parameters\":{"
		"\"worker\":2}}",
		"{\"method\":\"io.troupe.Control.Describe\",\"parameters\":{\"name\":\"pool\"}"
		"}",
		"{\"method\":\"io.troupe.Control.Describe\",\"parameters\":{\"name\":"
		"\"nobody\"}}",
		"{\"method\":\"org.varlink.service.GetInfo\"}",
		"{\"method\":\"io.troupe.nobody.Do\"}",
	};
	const char *message = messages[draw(caller, sizeof(messages) / sizeof(messages[0]))];

	caller->last_id++;
	caller_send(caller, CALLER_ASSORTED, strstr(message, "io."), message);
}

/* Something that tasks of several actors do together, or a stream that one of them makes. */
static void send_to_tasks(struct caller *caller)
{
	static const char *const units[] = {"left", "right"};
	const char *unit = units[draw(caller, 2)];
	const uint64_t seed = 1 + draw(caller, UINT32_MAX);
	char text[320];

	caller->last_id++;
	if (draw(caller, 3) == 0)
		(void)snprintf(text, sizeof(text),
			       "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{"
			       "\"name\":\"%s\",\"method\":\"io.troupe.test.chaos.Count\","
			       "\"parameters\":{\"count\":%u,\"bytes\":%u,\"seed\":%ju}},"
			       "\"more\":true}",
			       unit, (unsigned)draw(caller, 300), (unsigned)draw(caller, 2000),
			       (uintmax_t)seed);
	else
		(void)snprintf(text, sizeof(text),
			       "{\"method\":\"io.troupe.Control.Call\",\"parameters\":{"
			       "\"name\":\"%s\",\"method\":\"io.troupe.test.chaos.%s\","
			       "\"parameters\":{\"seed\":%ju,\"deeds\":%u,\"depth\":%u},"
			       "\"timeoutMs\":%u}}",
			       unit, draw(caller, 4) ? "Play" : "Reign", (uintmax_t)seed,
			       1 + (unsigned)draw(caller, 8), (unsigned)draw(caller, 4),
			       1 + (unsigned)draw(caller, 3000));
	caller_send(caller, CALLER_ASSORTED, "a play of tasks", text);
}

static void send_one(struct caller *caller)
{
	switch (draw(caller, 11)) {
	case 0 ... 3:
		send_answer(caller, CALLER_ANSWER);
		return;
	case 4:
		send_answer(caller, CALLER_RELAYED);
		return;
	case 5:
		send_stream(caller, CALLER_STREAM);
		return;
	case 6:
		send_stream(caller, CALLER_BURST);
		return;
	case 7:
		send_oneway(caller, "{\"method\":\"io.troupe.test.slow.Answer\",\"parameters\":"
				    "{\"text\":\"x\",\"delayMs\":300},\"oneway\":true}");
		return;
	case 8:
		send_to_tasks(caller);
		return;
	default:
		send_assorted(caller);
	}
}

/* ---- what comes back */

static void end_call(struct caller *caller)
{
	caller->n_awaited--;
	memmove(&caller->awaited[0], &caller->awaited[1],
		caller->n_awaited * sizeof(caller->awaited[0]));
}

/* An answer that is none to the oldest call. */
static void wrong(struct caller *caller, const char *answer, const char *why)
{
	print_error("%s: %.400s\n", why, answer);
	caller_print(caller);
	world_print_log(caller->client.world);
	fail();
}

static void check_reply(struct caller *caller, const char *answer, bool continues)
{
	struct caller_call *call = &caller->awaited[0];
	char expected[64];

	switch (call->kind) {
	case CALLER_ANSWER:
	case CALLER_RELAYED:
		(void)snprintf(expected, sizeof(expected), "\"#%u.%ju#\"", caller->number,
			       (uintmax_t)call->id);
		if (continues || !strstr(answer, expected))
			wrong(caller, answer, "not the answer to this call");
		break;
	case CALLER_STREAM:
	case CALLER_BURST:
		(void)snprintf(expected, sizeof(expected), "{\"number\":%jd}",
			       (intmax_t)++call->got);
		if (!strstr(answer, expected))
			wrong(caller, answer, "not the next reply of the stream");
		if (continues != (call->got < call->count))
			wrong(caller, answer, "the stream ends early or late");
		break;
	case CALLER_ASSORTED:
	case CALLER_KINDS:
		break;
	}
}

static void take_answer(struct caller *caller, const char *answer)
{
	static const char last[] = "\"continues\":true}";
	size_t size = strlen(answer), at = sizeof(last) - 1;
	bool continues = size > at && strcmp(answer + size - at, last) == 0;
	bool is_error = strncmp(answer, "{\"error\":", 9) == 0;

	if (caller->n_awaited == 0)
		wrong(caller, answer, "an answer to no call");
	if (is_error) {
		if (continues || caller->is_strict)
			wrong(caller, answer, continues ? "an error that goes on" : "an error");
		caller->sums->errors++;
	} else {
		check_reply(caller, answer, continues);
		caller->sums->replies++;
	}
	if (continues)
		return;
	caller->sums->answers++;
	end_call(caller);
}

static bool is_huge(const struct caller *caller)
{
	return caller->n_awaited > 0 && caller->awaited[0].count == HUGE_BURST;
}

static void read_some(struct caller *caller)
{
	/* What is huge is read bit by bit, so that there is never much room for it. */
	size_t bytes = is_huge(caller) ? 4096 : draw(caller, 8) == 0 ? 200 : 65536;
	const char *answer;

	bool is_there = client_read(&caller->client, bytes);

	while ((answer = client_next(&caller->client)))
		take_answer(caller, answer);
	if (is_there)
		return;
	/* It holds too little to be closed for that. */
	if (!caller->expects_end || caller->n_awaited > 0)
		wrong(caller, "", "the master has hung up");
	caller_fini(caller);
}

/* When it looks again. */
static uint64_t next_look(struct caller *caller)
{
	bool begins = caller->n_awaited > 0 &&
		      caller->awaited[caller->n_awaited - 1].count == HUGE_BURST;

	if (caller->expects_end || (is_huge(caller) && caller->awaited[0].got > 0))
		return CLOCK_MS_NS;
	if (begins || draw(caller, 60) == 0)
		return draw(caller, 4 * CLOCK_SECOND_NS);
	return CLOCK_MS_NS + draw(caller, 80 * CLOCK_MS_NS);
}

void caller_act(struct caller *caller, bool calls)
{
	struct world *world = caller->client.world;
	uint64_t now_ns = world_now_ns(world);

	if (!caller->is_open) {
		if (calls)
			caller_init(caller, world, caller->number, caller->sums);
		caller->act_ns = now_ns + CLOCK_SECOND_NS;
		return;
	}
	read_some(caller);
	if (caller->is_open && calls && draw(caller, 300) == 0) {
		caller_fini(caller);
		caller->sums->hangups++;
	} else if (caller->is_open && calls) {
		for (unsigned n = (unsigned)draw(caller, 4); n > 0; n--)
			if (caller->n_awaited < CALLER_AWAITED)
				send_one(caller);
	}
	caller->act_ns = now_ns + next_look(caller);
}
