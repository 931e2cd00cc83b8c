/* target.c - who is called, and how that is said to the daemon. */
#include "ctl/target.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/limits.h"
#include "ctl/interface.h"
#include "ctl/show.h"
#include "io.troupe.Control.varlink.h"
#include <errno.h>
#include <string.h>

void target_fini(struct target *target)
{
	free(target->name);
	free(target->method);
}

/* INTERFACE.METHOD: a method begins with a capital, no part of an actor's name or address after
 * a dot does. */
static bool is_qualified(const char *text)
{
	const char *dot = strrchr(text, '.');

	return dot && dot[1] >= 'A' && dot[1] <= 'Z' &&
	       idl_is_interface_name(text, (size_t)(dot - text));
}

static bool is_method(const char *text)
{
	return (text[0] >= 'A' && text[0] <= 'Z' && !strchr(text, '=')) || is_qualified(text);
}

/* Look for the method among the interfaces of the unit. */
static int find_method(struct ctl *ctl, const char *name, const char *method, char **ret_method)
{
	cleanup_free char *in = NULL;
	cleanup_free void *out = NULL;
	cleanup(answer_fini) struct answer answer = {0};
	cleanup(suggestions_fini) struct suggestions methods = {0};
	cleanup_free char *found = NULL;
	const struct api_unit *unit;
	size_t size;
	int r;

	if (json_encode(&api_describe_type, &(struct api_describe){.name = name}, &in, &size) <
	    0)
		return ctl_fail(ctl, STATUS_USAGE, "%s is no name of an actor", name);
	r = ctl_ask(ctl, "io.troupe.Control.Describe", in, &answer);
	if (r != STATUS_OK)
		return r;
	if (json_decode(&api_describe_out_type, answer.parameters, answer.size, &out, &size,
			NULL) < 0)
		return ctl_fail(ctl, STATUS_FAILED,
				"cannot read the interfaces of %s; name the method as "
				"INTERFACE.METHOD",
				name);
	unit = &((const struct api_describe_out *)out)->unit;
	for (size_t i = 0; i < unit->interfaces.count; i++) {
		const struct idl_member *member;
		struct idl *idl;

		r = interface_get(ctl, unit->interfaces.items[i], true, &idl);
		if (r != STATUS_OK)
			return r;
		member = idl_find(idl, method);
		interface_add_methods(idl, &methods);
		r = member && member->kind == IDL_METHOD;
		idl_free(idl);
		if (!r)
			continue;
		if (found)
			return ctl_fail(ctl, STATUS_USAGE,
					"%s has several methods %s: say %s or %s.%s", name,
					method, found, unit->interfaces.items[i], method);
		if (asprintf(&found, "%s.%s", unit->interfaces.items[i], method) < 0) {
			found = NULL;
			return ctl_fail(ctl, STATUS_FAILED, "out of memory");
		}
	}
	if (!found)
		return suggestions_fail(ctl, STATUS_FAILED, &methods, method, "it has",
					"%s has no method %s", name, method);
	*ret_method = take_pointer(&found);
	return STATUS_OK;
}

int target_find(struct ctl *ctl, char *const *arguments, int n, struct target *ret_target)
{
	struct target target = {.used = 1};
	int r = STATUS_OK;

	/* a.b.C may be the name of a unit, too: then a method follows. */
	if (is_qualified(arguments[0]) && (n < 2 || !is_method(arguments[1]))) {
		target.method = strdup(arguments[0]);
	} else if (n < 2) {
		return ctl_fail(ctl, STATUS_USAGE,
				"which method of %s? Say NAME METHOD, or INTERFACE.METHOD",
				arguments[0]);
	} else {
		target.used = 2;
		target.name = strdup(arguments[0]);
		if (is_qualified(arguments[1]))
			target.method = strdup(arguments[1]);
		else
			r = find_method(ctl, arguments[0], arguments[1], &target.method);
	}
	if (r == STATUS_OK && (!target.method || (target.used == 2 && !target.name)))
		r = ctl_fail(ctl, STATUS_FAILED, "out of memory");
	if (r == STATUS_OK)
		*ret_target = target;
	else
		target_fini(&target);
	return r;
}

int target_head(struct ctl *ctl, const struct target *target, bool send, char **ret_head,
		const char **ret_tail)
{
	uint64_t timeout_ns = ctl->options.timeout_ns < LIMIT_CALL_TIMEOUT_NS
				      ? ctl->options.timeout_ns
				      : LIMIT_CALL_TIMEOUT_NS;
	uint64_t timeout_ms = (timeout_ns + CLOCK_MS_NS - 1) / CLOCK_MS_NS;
	cleanup(json_tree_cleanup) struct json_tree *head = NULL;
	cleanup_free char *text = NULL;
	char *longer;
	size_t size;

	if (!target->name) {
		*ret_head = strdup("");
		*ret_tail = "";
		return *ret_head ? STATUS_OK : ctl_fail(ctl, STATUS_FAILED, "out of memory");
	}
	if (!codec_is_utf8(target->name, strlen(target->name)))
		return ctl_fail(ctl, STATUS_USAGE, "%s is no name of an actor", target->name);
	head = json_tree_object();
	json_tree_set_text(head, "name", target->name);
	json_tree_set_text(head, "method", target->method);
	if (!send && option_is_given(&ctl->options, OPTION_TIMEOUT))
		json_tree_set(head, "timeoutMs", json_tree_int((int64_t)timeout_ms));
	/* Its closing brace gives way to the parameters. */
	if (json_tree_print(head, 0, &text, &size) < 0 ||
	    asprintf(&longer, "%.*s,\"parameters\":", (int)size - 1, text) < 0)
		return ctl_fail(ctl, STATUS_FAILED, "out of memory");
	*ret_head = longer;
	*ret_tail = "}";
	return STATUS_OK;
}

struct json_span target_reply(const struct target *target, struct json_span parameters)
{
	static const char *const keys[] = {"parameters"};
	struct json_span inner;

	if (!target->name)
		return parameters;
	if (json_pick(parameters.at, parameters.size, keys, 1, &inner, NULL) < 0 || !inner.at)
		return (struct json_span){"{}", 2};
	return inner;
}

const char *target_method(const struct target *target, bool send)
{
	if (!target->name)
		return target->method;
	return send ? "io.troupe.Control.Send" : "io.troupe.Control.Call";
}
