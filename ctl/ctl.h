/* ctl.h - what every verb of troupectl works with: the options, the loop, the daemon.
 *
 * One process, one thread; main() owns it. Verbs return exit statuses, and have printed the
 * reason on standard error when it is not 0.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "base/loop.h"
#include "ctl/options.h"
#include "ctl/varlink.h"
#include "proto/json_tree.h"
#include <stdbool.h>
#include <stdio.h>
#include <troupe/type.h>

/* Exit statuses. */
enum {
	STATUS_OK = 0,
	STATUS_FAILED = 1,      /* the daemon or the actor said no; for map: a line failed */
	STATUS_USAGE = 2,       /* the command line is wrong */
	STATUS_UNREACHABLE = 3, /* no daemon at the socket, or it was lost */
	STATUS_SIGNAL = 128,    /* and the number of the signal that ended it */
};

struct answer;

struct ctl {
	struct options options;
	struct loop *loop;
	struct varlink *client; /* NULL: not connected yet */
	char socket[256];       /* path in use */
	FILE *out, *err;        /* borrowed */
	/* Say what an error reply to a call of `method` means: explain_error(), which asks the
	 * daemon for what helps. */
	int (*explain)(struct ctl *ctl, const char *method, const struct answer *answer);
	bool colours;    /* of out */
	bool incomplete; /* there was no memory for some of what should be printed */
};

/* One reply. */
struct answer {
	char *parameters; /* JSON text of an object, NUL-terminated; given */
	size_t size;
	char error[256]; /* qualified name; "": none */
	bool continues;
};
void answer_fini(struct answer *answer);

/* Find the socket: --socket, --instance, $TROUPE_SOCKET, the user's own, the system's. */
void ctl_find_socket(struct ctl *ctl);

/* Connect if that has not been done. 0, or an exit status after having said why not. */
int ctl_connect(struct ctl *ctl);

/* How long to wait for the reply to a call of `method`: --timeout, or its default. A deadline
 * that the daemon keeps as well gets a moment more, in which its answer arrives. */
uint64_t ctl_timeout_ns(const struct ctl *ctl, const char *method);
/* What is left of a span that began at begin_ns; at least 1. */
uint64_t ctl_time_left(const struct ctl *ctl, uint64_t timeout_ns, uint64_t begin_ns);

/* One call and its reply; `parameters` is JSON text, "" for none. ctl_try(): 0, also when the
 * reply is an error; or an exit status, the connection being lost. ctl_ask() explains errors as
 * well: 0 only for a real reply. */
int ctl_try(struct ctl *ctl, const char *method, const char *parameters,
	    struct answer *ret_answer);
int ctl_ask(struct ctl *ctl, const char *method, const char *parameters,
	    struct answer *ret_answer);

/* The same for a typed method. *ret_out: a value of method->out, given (free()). */
int ctl_ask_value(struct ctl *ctl, const struct troupe_method *method, const void *in,
		  void **ret_out);

/* The same for a verb that shows one reply: with --json, the reply is printed as it came, and
 * *ret_out is NULL. */
int ctl_ask_typed(struct ctl *ctl, const struct troupe_method *method, const void *in,
		  void **ret_out);

/* The same for each of n names, the only parameter of the method; n 0: once, it takes none.
 * show (NULL: nothing is to be shown) gets a value of method->out, and returns an exit status.
 * One that fails does not keep the others from it. */
int ctl_show_each(struct ctl *ctl, const struct troupe_method *method, char **names, int n,
		  int (*show)(struct ctl *ctl, const void *out));

/* A call with `more`: on_reply for each reply, until the last one or until it returns other
 * than 0. It is called from the loop and may make no calls. Errors are explained, but for
 * NoReply behind replies: that is the end of a stream whose actor has nothing more to say. */
int ctl_stream(struct ctl *ctl, const char *method, const char *parameters,
	       int (*on_reply)(struct ctl *ctl, const struct answer *answer, void *context),
	       void *context);

/* Print JSON text: on a line as it is with --json or when not to a terminal, else indented. */
void ctl_print_json(struct ctl *ctl, const char *text, size_t size);

/* The same for a value, taken; NULL: there was no memory for it. An exit status, explained. */
int ctl_print_value(struct ctl *ctl, struct json_tree *value);

/* Say why a command cannot go on. Returns status. Control characters in it are shown as '?'. Of
 * fail.c. */
int ctl_fail(struct ctl *ctl, int status, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
