/* explain.c - errors of the daemon, for people. */
#include "ctl/explain.h"

#include "base/cleanup.h"
#include "ctl/interface.h"
#include "ctl/suggestions.h"
#include "proto/json_tree.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

static const char *text_of(const struct json_tree *parameters, const char *key)
{
	const char *text = json_tree_text(json_tree_find(parameters, key));

	return text ? text : "";
}

/* ---- single errors */

/* Ask for what helps; NULL: it cannot be had. */
static struct json_tree *ask_quietly(struct ctl *ctl, const char *method)
{
	cleanup(answer_fini) struct answer answer = {0};
	struct json_tree *tree;

	if (ctl_try(ctl, method, "", &answer) != STATUS_OK || answer.error[0])
		return NULL;
	return json_tree_parse(answer.parameters, answer.size, &tree, NULL) == 0 ? tree : NULL;
}

/* "pool/7", and there is a pool. */
static bool is_instance_of(const char *name, const char *unit)
{
	size_t size = strlen(unit);

	return size > 0 && strncmp(name, unit, size) == 0 && name[size] == '/';
}

static int no_such_actor(struct ctl *ctl, const struct json_tree *parameters)
{
	cleanup(suggestions_fini) struct suggestions names = {0};
	const char *name = text_of(parameters, "name");
	cleanup(json_tree_cleanup) struct json_tree *list =
		ask_quietly(ctl, "io.troupe.Control.List");

	json_tree_foreach(unit, json_tree_find(list, "units"))
	{
		suggestions_add(&names, text_of(unit, "name"));
		if (!is_instance_of(name, text_of(unit, "name")))
			continue;
		ctl_fail(ctl, 0,
			 "%s has no actor %s; `troupectl show %s` lists those there are",
			 text_of(unit, "name"), name, text_of(unit, "name"));
		return STATUS_FAILED;
	}
	return suggestions_fail(ctl, STATUS_FAILED, &names, name, "the units are",
				"no actor is called %s", name);
}

/* "\n`troupectl start NAME` starts it", where that is what helps. */
static const char *start_hint(const char *name, const char *state, char *text, size_t size)
{
	bool is_down = strcmp(state, "stopped") == 0 || strcmp(state, "ended") == 0 ||
		       strcmp(state, "failed") == 0;

	(void)snprintf(text, size, "%s%s%s", is_down ? "\n`troupectl start " : "",
		       is_down ? name : "", is_down ? "` starts it" : "");
	return text;
}

/* What goes between a name and its state. */
static const char *being(const char *state)
{
	if (strcmp(state, "failed") == 0 || strcmp(state, "ended") == 0)
		return "has ";
	return strcmp(state, "backoff") == 0 ? "is in " : "is ";
}

static bool provides(const struct json_tree *unit, const char *interface)
{
	json_tree_foreach(item,
			  json_tree_find(unit, "interfaces")) if (json_tree_text(item) &&
								  strcmp(json_tree_text(item),
									 interface) ==
									  0) return true;
	return false;
}

/* A unit that provides it and does not run: whether that has been said. */
static bool explain_resting(struct ctl *ctl, const char *interface)
{
	cleanup(json_tree_cleanup) struct json_tree *list =
		ask_quietly(ctl, "io.troupe.Control.List");
	bool is_said = false;

	json_tree_foreach(unit, json_tree_find(list, "units"))
	{
		const char *name = text_of(unit, "name"), *state = text_of(unit, "state"),
			   *reason = text_of(unit, "reason");
		char hint[160];

		if (!provides(unit, interface))
			continue;
		ctl_fail(ctl, 0, "%s, which provides %s, %s%s%s%s%s", name, interface,
			 being(state), state, *reason ? ": " : "", reason,
			 start_hint(name, state, hint, sizeof(hint)));
		is_said = true;
		break;
	}
	return is_said;
}

/* Not by the actor that was called, but by these. */
static int provided_by_others(struct ctl *ctl, const char *interface)
{
	cleanup(json_tree_cleanup) struct json_tree *list =
		ask_quietly(ctl, "io.troupe.Control.List");
	char names[1024] = "";

	json_tree_foreach(unit, json_tree_find(list, "units"))
	{
		size_t used = strlen(names);

		if (provides(unit, interface))
			snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "",
				 text_of(unit, "name"));
	}
	return ctl_fail(
		ctl, STATUS_FAILED,
		"the actor that was called does not provide the interface %s; %s%s", interface,
		*names ? "units that do: " : "`troupectl show NAME` lists what a unit provides",
		names);
}

static int no_such_interface(struct ctl *ctl, const struct json_tree *parameters)
{
	cleanup(suggestions_fini) struct suggestions names = {0};
	const char *name = text_of(parameters, "interface");
	cleanup(json_tree_cleanup) struct json_tree *info =
		ask_quietly(ctl, "org.varlink.service.GetInfo");
	size_t i;

	json_tree_foreach(interface, json_tree_find(info, "interfaces"))
		suggestions_add(&names, json_tree_text(interface));
	for (i = 0; i < names.count; i++)
		if (strcmp(names.items[i], name) == 0)
			return provided_by_others(ctl, name);
	if (explain_resting(ctl, name))
		return STATUS_FAILED;
	return suggestions_fail(ctl, STATUS_FAILED, &names, name, "there are",
				"nothing that runs provides the interface %s", name);
}

static int no_such_method(struct ctl *ctl, const char *method,
			  const struct json_tree *parameters)
{
	const char *dot = method ? strrchr(method, '.') : NULL;
	cleanup_free char *interface = dot ? strndup(method, (size_t)(dot - method)) : NULL;
	struct idl *idl;
	int r;

	if (!interface || interface_get(ctl, interface, false, &idl) != STATUS_OK)
		return ctl_fail(ctl, STATUS_FAILED,
				"there is no method %s; `troupectl introspect INTERFACE` shows "
				"those there are",
				text_of(parameters, "method"));
	r = interface_no_method(ctl, idl, dot + 1);
	idl_free(idl);
	return r;
}

static int ambiguous(struct ctl *ctl, const char *method, const struct json_tree *parameters)
{
	const char *dot = method ? strrchr(method, '.') : NULL;
	const char *first = NULL;
	char names[1024] = "";

	json_tree_foreach(candidate, json_tree_find(parameters, "candidates"))
	{
		size_t used = strlen(names);
		const char *name = json_tree_text(candidate);

		if (!name)
			continue;
		first = first ? first : name;
		snprintf(names + used, sizeof(names) - used, "%s%s", used ? ", " : "", name);
	}
	return ctl_fail(ctl, STATUS_FAILED,
			"several units provide %s: %s\n"
			"Name one: troupectl call %s %s ...  (or set Default=yes in one of "
			"their files, and in no other)",
			text_of(parameters, "interface"), names, first ? first : "NAME",
			dot ? dot + 1 : "METHOD");
}

static int invalid_parameter(struct ctl *ctl, const char *method,
			     const struct json_tree *parameters)
{
	const char *field = text_of(parameters, "parameter"),
		   *why = text_of(parameters, "reason");
	char type[256] = "";

	/* Whoever refused it knows best. */
	if (*why)
		return ctl_fail(ctl, STATUS_FAILED, "%s%s%s%s%s%s", method ? method : "",
				method ? ": " : "", *field ? "parameter " : "", field,
				*field ? ": " : "", why);

	if (method && interface_field_type(ctl, method, field, type, sizeof(type)) == STATUS_OK)
		return ctl_fail(ctl, STATUS_FAILED,
				"%s: parameter %s is wrong or missing; it takes %s", method,
				field, type);
	if (method)
		return ctl_fail(
			ctl, STATUS_FAILED,
			"%s: parameter %s is wrong, missing, or none of its own; `troupectl "
			"introspect %.*s` shows what it takes",
			method, field, (int)(strrchr(method, '.') - method), method);
	return ctl_fail(ctl, STATUS_FAILED, "parameter %s is wrong, missing or unknown", field);
}

static int wrong_state(struct ctl *ctl, const struct json_tree *parameters)
{
	const char *name = text_of(parameters, "name"), *state = text_of(parameters, "state"),
		   *reason = text_of(parameters, "reason");
	char hint[160];

	return ctl_fail(ctl, STATUS_FAILED, "%s %s%s%s%s%s", name, being(state), state,
			*reason ? ": " : "", reason,
			start_hint(name, state, hint, sizeof(hint)));
}

/* The daemon refuses root nothing; an actor may refuse anybody, with the same error. */
static int permission_denied(struct ctl *ctl)
{
	if (geteuid() == 0)
		return ctl_fail(ctl, STATUS_FAILED, "the actor refuses that to this caller");
	return ctl_fail(
		ctl, STATUS_FAILED,
		"your user may not do that: be root, or join the group that "
		"trouped.conf(5) names for it (ObserveGroup=, CallGroup=, ManageGroup=, "
		"DeployGroup=), unless it is the actor itself that refuses");
}

static int timeout(struct ctl *ctl, const struct json_tree *parameters)
{
	const char *reason = text_of(parameters, "reason");

	return ctl_fail(ctl, STATUS_FAILED, "%s; --timeout TIME waits longer",
			*reason ? reason : "the actor did not answer in time");
}

/* Errors that one sentence explains. %s: the field of that name. */
static const struct plain {
	const char *error, *field, *text;
} plain[] = {
	{"org.varlink.service.MethodNotImplemented", "method",
	 "the method %s is declared, but the actor has no handler for it"},
	{"org.varlink.service.ExpectedMore", NULL,
	 "the method answers in a stream of replies: add --more"},
	{"io.troupe.Control.NameTaken", "name",
	 "a unit is called %s already; stop it first, or choose another name"},
	{"io.troupe.Control.ActorDied", NULL,
	 "the actor ended, or its worker died, before it answered: stopped, restarted or "
	 "crashed; "
	 "the daemon's log says which, and `troupectl workers` shows crashes"},
	{"io.troupe.Control.PeerDown", NULL,
	 "the link to the actor's process is down; try again in a moment"},
	{"io.troupe.Control.Overloaded", NULL,
	 "a mailbox or a limit of the daemon is full; try again later"},
	{"io.troupe.Control.Cancelled", NULL, "the call was cancelled"},
	{"io.troupe.Control.NoReply", NULL,
	 "the actor gave no answer: its handler returned without one, or it dropped the call"},
};

static int explain_plain(struct ctl *ctl, const char *error, const struct json_tree *parameters)
{
	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		const char *text = plain[i].text;
		const char *percent = strstr(text, "%s");
		const char *value;

		if (strcmp(error, plain[i].error) != 0)
			continue;
		if (!percent)
			return ctl_fail(ctl, STATUS_FAILED, "%s", text);
		value = text_of(parameters, plain[i].field);
		return ctl_fail(ctl, STATUS_FAILED, "%.*s%s%s", (int)(percent - text), text,
				value, percent + 2);
	}
	return -ENOENT;
}

static int explain_known(struct ctl *ctl, const char *method, const char *error,
			 const struct json_tree *parameters)
{
	int r;

	if (strcmp(error, "io.troupe.Control.ActorDied") == 0 &&
	    json_tree_is_literal(json_tree_find(parameters, "crashed"), "true"))
		return ctl_fail(ctl, STATUS_FAILED,
				"the actor crashed its worker while it handled this call; "
				"`troupectl workers` shows where");
	r = explain_plain(ctl, error, parameters);
	if (r != -ENOENT)
		return r;
	if (strcmp(error, "org.varlink.service.PermissionDenied") == 0)
		return permission_denied(ctl);
	if (strcmp(error, "io.troupe.Control.NoSuchActor") == 0)
		return no_such_actor(ctl, parameters);
	if (strcmp(error, "org.varlink.service.InterfaceNotFound") == 0)
		return no_such_interface(ctl, parameters);
	if (strcmp(error, "org.varlink.service.MethodNotFound") == 0)
		return no_such_method(ctl, method, parameters);
	if (strcmp(error, "io.troupe.Control.Ambiguous") == 0)
		return ambiguous(ctl, method, parameters);
	if (strcmp(error, "org.varlink.service.InvalidParameter") == 0)
		return invalid_parameter(ctl, method, parameters);
	if (strcmp(error, "io.troupe.Control.NoSuchPlugin") == 0)
		return ctl_fail(ctl, STATUS_FAILED, "the plug-in %s cannot be used: %s",
				text_of(parameters, "plugin"), text_of(parameters, "reason"));
	if (strcmp(error, "io.troupe.Control.BadUnit") == 0)
		return ctl_fail(ctl, STATUS_FAILED, "the unit %s cannot run like this: %s",
				text_of(parameters, "name"), text_of(parameters, "reason"));
	if (strcmp(error, "io.troupe.Control.WrongState") == 0)
		return wrong_state(ctl, parameters);
	if (strcmp(error, "io.troupe.Control.Timeout") == 0)
		return timeout(ctl, parameters);
	if (strcmp(error, "io.troupe.Control.Failed") == 0)
		return ctl_fail(
			ctl, STATUS_FAILED, "the handler failed: %s (%lld)",
			text_of(parameters, "message"),
			(long long)json_tree_integer(json_tree_find(parameters, "code")));
	return -ENOENT;
}

int explain_error(struct ctl *ctl, const char *method, const struct answer *answer)
{
	cleanup(json_tree_cleanup) struct json_tree *parameters = NULL;
	int r;

	/* For programs the error is what it is; it still goes to standard error, and the status
	 * says it. */
	if (option_is_given(&ctl->options, OPTION_JSON)) {
		fprintf(ctl->err, "{\"error\":\"%s\",\"parameters\":%s}\n", answer->error,
			answer->parameters);
		r = STATUS_FAILED;
	} else {
		(void)json_tree_parse(answer->parameters, answer->size, &parameters, NULL);
		r = explain_known(ctl, method, answer->error, parameters);
	}
	/* An error that an actor's own interface declares. */
	if (r == -ENOENT)
		r = ctl_fail(ctl, STATUS_FAILED, "%s %s", answer->error, answer->parameters);
	return r;
}
