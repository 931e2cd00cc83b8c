/* ctl.c - talking to the daemon, on behalf of a verb. */
#include "ctl/ctl.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "ctl/fail.h"
#include "ctl/terminal.h"
#include "proto/json.h"
#include <errno.h>
#include <string.h>

#define CONNECT_NS (5 * CLOCK_SECOND_NS)
#define TIMEOUT_NS LIMIT_CALL_TIMEOUT_DEFAULT_NS
#define ANSWER_NS  (50 * CLOCK_MS_NS) /* the way of an answer */

void answer_fini(struct answer *answer)
{
	free(answer->parameters);
	answer->parameters = NULL;
}

/* ---- the socket */

/* Paths that are cut are too long for a socket anyway; connecting will say so. */
static void set_socket(struct ctl *ctl, const char *directory, const char *instance)
{
	(void)snprintf(ctl->socket, sizeof(ctl->socket), "%s/troupe%s%s/control.sock",
		       directory, instance ? "-" : "", instance ? instance : "");
}

void ctl_find_socket(struct ctl *ctl)
{
	const struct options *options = &ctl->options;
	const char *given = getenv("TROUPE_SOCKET");
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (options->socket)
		given = options->socket;
	else if (options->instance)
		given = NULL;
	if (given && (given[0] || options->socket)) {
		(void)snprintf(ctl->socket, sizeof(ctl->socket), "%s", given);
		return;
	}
	if (runtime && runtime[0] && geteuid() != 0) {
		set_socket(ctl, runtime, options->instance);
		if (access(ctl->socket, F_OK) == 0)
			return;
	}
	set_socket(ctl, "/run", options->instance);
}

int ctl_connect(struct ctl *ctl)
{
	uint64_t timeout_ns = CONNECT_NS;
	int r;

	if (ctl->client)
		return STATUS_OK;
	if (option_is_given(&ctl->options, OPTION_TIMEOUT) &&
	    ctl->options.timeout_ns < timeout_ns)
		timeout_ns = ctl->options.timeout_ns;
	r = varlink_connect(ctl->loop, ctl->socket, timeout_ns, &ctl->client);
	if (r < 0)
		return fail_no_connection(ctl, r);
	return STATUS_OK;
}

/* ---- one call */

struct exchange {
	struct varlink_call call;
	struct ctl *ctl;
	struct answer answer; /* of the last reply, or an error */
	int failure;
	bool done;
	/* For streams; then answer is only for an error. */
	int (*on_reply)(struct ctl *ctl, const struct answer *answer, void *context);
	void *context;
	int status;
	bool has_begun; /* there was a reply that others follow */
};

static void on_reply(struct varlink_call *call, const struct varlink_reply *reply)
{
	struct exchange *exchange = container_of(call, struct exchange, call);
	struct answer answer = {.continues = reply->continues};

	if (exchange->done)
		return;
	exchange->failure = reply->failure;
	exchange->done = !reply->continues;
	if (reply->failure < 0)
		return;
	snprintf(answer.error, sizeof(answer.error), "%s", reply->error ? reply->error : "");
	answer.size = reply->parameters.size;
	answer.parameters = strndup(reply->parameters.at, reply->parameters.size);
	if (!answer.parameters) {
		exchange->failure = -ENOMEM;
		exchange->done = true;
		return;
	}
	/* An error is explained later: that may take calls of its own, which are not for a
	 * callback. */
	if (!exchange->on_reply || answer.error[0]) {
		answer_fini(&exchange->answer);
		exchange->answer = answer;
		exchange->done |= answer.error[0] != '\0';
		return;
	}
	exchange->has_begun |= answer.continues;
	exchange->status = exchange->on_reply(exchange->ctl, &answer, exchange->context);
	answer_fini(&answer);
	if (exchange->status != STATUS_OK)
		exchange->done = true;
}

uint64_t ctl_timeout_ns(const struct ctl *ctl, const char *method)
{
	uint64_t timeout_ns = ctl->options.timeout_ns ? ctl->options.timeout_ns : TIMEOUT_NS;

	if (timeout_ns >= LIMIT_CALL_TIMEOUT_NS)
		return 0;
	return timeout_ns + (strcmp(method, "io.troupe.Control.Call") == 0 ? ANSWER_NS : 0);
}

uint64_t ctl_time_left(const struct ctl *ctl, uint64_t timeout_ns, uint64_t begin_ns)
{
	uint64_t spent = loop_clock_ns(ctl->loop) - begin_ns;

	return timeout_ns > spent ? timeout_ns - spent : 1;
}

/* Whether it is an actor, not the daemon, who would have answered. */
static bool is_of_actor(const char *method)
{
	return strncmp(method, "io.troupe.Control.", 18) != 0 &&
	       strncmp(method, "org.varlink.service.", 20) != 0;
}

/* An actor that is late is an error as others are; the daemon has answered nothing since no
 * deadline was given to it. */
static void take_timeout(struct exchange *exchange)
{
	answer_fini(&exchange->answer);
	exchange->answer = (struct answer){
		.error = "io.troupe.Control.Timeout", .parameters = strdup("{}"), .size = 2};
	exchange->failure = exchange->answer.parameters ? 0 : -ENOMEM;
}

static int run(struct ctl *ctl, struct exchange *exchange, const char *method,
	       const char *parameters, unsigned flags)
{
	/* Streams begin when they begin, unless somebody said until when. */
	bool is_limited =
		!(flags & VARLINK_MORE) || option_is_given(&ctl->options, OPTION_TIMEOUT);
	uint64_t timeout_ns = is_limited ? ctl_timeout_ns(ctl, method) : 0;
	uint64_t begin = loop_clock_ns(ctl->loop);
	int r = ctl_connect(ctl);

	if (r != STATUS_OK)
		return r;
	if (timeout_ns > 0)
		timeout_ns = ctl_time_left(ctl, timeout_ns, begin);
	r = varlink_call(ctl->client, &exchange->call, method, parameters, strlen(parameters),
			 flags, timeout_ns);
	if (r < 0)
		return fail_lost(ctl, r);
	varlink_flush(ctl->client);
	while (!exchange->done)
		loop_step(ctl->loop, true);
	if (exchange->failure == -ETIMEDOUT && is_of_actor(method))
		take_timeout(exchange);
	if (exchange->failure < 0)
		return fail_lost(ctl, exchange->failure);
	return STATUS_OK;
}

int ctl_try(struct ctl *ctl, const char *method, const char *parameters,
	    struct answer *ret_answer)
{
	struct exchange exchange = {.call.on_reply = on_reply, .ctl = ctl};
	int r = run(ctl, &exchange, method, parameters, 0);

	if (r != STATUS_OK) {
		answer_fini(&exchange.answer);
		return r;
	}
	*ret_answer = exchange.answer;
	return STATUS_OK;
}

int ctl_ask(struct ctl *ctl, const char *method, const char *parameters,
	    struct answer *ret_answer)
{
	struct answer answer = {0};
	int r = ctl_try(ctl, method, parameters, &answer);

	if (r == STATUS_OK && answer.error[0]) {
		r = ctl->explain(ctl, method, &answer);
		answer_fini(&answer);
	}
	if (r == STATUS_OK)
		*ret_answer = answer;
	return r;
}

/* Ask with a typed value; the reply is still text. */
static int ask_encoded(struct ctl *ctl, const struct troupe_method *method, const void *in,
		       struct answer *ret_answer)
{
	cleanup_free char *parameters = NULL;
	char name[256];
	size_t size;
	int r;

	snprintf(name, sizeof(name), "%s.%s", method->interface, method->name);
	r = json_encode(method->in, in, &parameters, &size);
	if (r < 0)
		return ctl_fail(ctl, STATUS_USAGE, "what was typed cannot be sent: %s",
				strerror(-r));
	return ctl_ask(ctl, name, parameters, ret_answer);
}

static int decode(struct ctl *ctl, const struct troupe_method *method,
		  const struct answer *answer, void **ret_out)
{
	struct codec_error error = {0};
	char name[256];
	size_t size;

	if (json_decode(method->out, answer->parameters, answer->size, ret_out, &size,
			&error) == 0)
		return STATUS_OK;
	snprintf(name, sizeof(name), "%s.%s", method->interface, method->name);
	return fail_foreign(ctl, name, &error);
}

int ctl_ask_value(struct ctl *ctl, const struct troupe_method *method, const void *in,
		  void **ret_out)
{
	cleanup(answer_fini) struct answer answer = {0};
	int r = ask_encoded(ctl, method, in, &answer);

	return r == STATUS_OK ? decode(ctl, method, &answer, ret_out) : r;
}

int ctl_ask_typed(struct ctl *ctl, const struct troupe_method *method, const void *in,
		  void **ret_out)
{
	cleanup(answer_fini) struct answer answer = {0};
	int r = ask_encoded(ctl, method, in, &answer);

	if (r != STATUS_OK || !option_is_given(&ctl->options, OPTION_JSON))
		return r == STATUS_OK ? decode(ctl, method, &answer, ret_out) : r;
	ctl_print_json(ctl, answer.parameters, answer.size);
	*ret_out = NULL;
	return STATUS_OK;
}

int ctl_show_each(struct ctl *ctl, const struct troupe_method *method, char **names, int n,
		  int (*show)(struct ctl *ctl, const void *out))
{
	int status = STATUS_OK;

	for (int i = 0; i == 0 || i < n; i++) {
		struct {
			const char *name;
		} in = {n > 0 ? names[i] : NULL};
		cleanup_free void *out = NULL;
		int r = ctl_ask_typed(ctl, method, &in, &out);

		if (r == STATUS_OK && out && show)
			r = show(ctl, out);
		status = r != STATUS_OK ? r : status;
	}
	return status;
}

/* The actor has answered, and has nothing more to say: as a generator in a task does. */
static bool is_end_of_stream(const struct exchange *exchange)
{
	return exchange->has_begun &&
	       strcmp(exchange->answer.error, "io.troupe.Control.NoReply") == 0;
}

int ctl_stream(struct ctl *ctl, const char *method, const char *parameters,
	       int (*callback)(struct ctl *ctl, const struct answer *answer, void *context),
	       void *context)
{
	struct exchange exchange = {.call.on_reply = on_reply,
				    .ctl = ctl,
				    .on_reply = callback,
				    .context = context};
	int r = run(ctl, &exchange, method, parameters, VARLINK_MORE);

	if (r == STATUS_OK && exchange.answer.error[0] && !is_end_of_stream(&exchange))
		r = ctl->explain(ctl, method, &exchange.answer);
	answer_fini(&exchange.answer);
	/* The rest of a stream that was left is of no use, nor is its connection. */
	if (ctl->client && exchange.status != STATUS_OK) {
		varlink_free(ctl->client);
		ctl->client = NULL;
	}
	return r != STATUS_OK ? r : exchange.status;
}

void ctl_print_json(struct ctl *ctl, const char *text, size_t size)
{
	cleanup(json_tree_cleanup) struct json_tree *value = NULL;
	cleanup_free char *pretty = NULL;

	if (!option_is_given(&ctl->options, OPTION_JSON) && ctl->colours &&
	    json_tree_parse(text, size, &value, NULL) == 0)
		(void)json_tree_print(value, 2, &pretty, &size);
	if (pretty)
		fprintf(ctl->out, "%s\n", pretty);
	else
		fprintf(ctl->out, "%.*s\n", (int)size, text);
}

int ctl_print_value(struct ctl *ctl, struct json_tree *value)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = json_tree_print(value, 0, &text, &size);

	json_tree_free(value);
	if (r < 0)
		return ctl_fail(ctl, STATUS_FAILED, "%s", strerror(-r));
	ctl_print_json(ctl, text, size);
	return STATUS_OK;
}
