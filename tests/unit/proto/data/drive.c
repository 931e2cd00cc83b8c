/* drive.c - plugin.c with the SDK's functions replaced: what do generated thunks and wrappers
 * call them with? */
#include "plugin.c"

#include <errno.h>
#include <stdlib.h>

#define expect(condition)                                                                      \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                \
			exit(1);                                                               \
		}                                                                              \
	} while (0)

static struct {
	const struct troupe_method *method;
	const struct troupe_error *error;
	const struct troupe_entry *entry;
	uint64_t call;
	int64_t number;
	char text[64];
	int not_implemented, sent;
} seen;

int troupe_return(struct troupe_self *self, struct troupe_call call,
		  const struct troupe_method *method, const void *out)
{
	const struct hello_greet_out *greeting = (const struct hello_greet_out *)out;

	(void)self;
	seen.call = call.id;
	seen.method = method;
	seen.number = greeting->count;
	snprintf(seen.text, sizeof(seen.text), "%s", greeting->text);
	return 0;
}

int troupe_fail(struct troupe_self *self, struct troupe_call call,
		const struct troupe_error *error, const void *data)
{
	(void)self;
	seen.call = call.id;
	seen.error = error;
	seen.number = ((const struct hello_name_too_long *)data)->limit;
	return 0;
}

int troupe_fail_not_implemented(struct troupe_self *self, struct troupe_call call)
{
	(void)self;
	seen.call = call.id;
	seen.not_implemented++;
	return 0;
}

int troupe_fail_expected_more(struct troupe_self *self, struct troupe_call call)
{
	(void)self;
	(void)call;
	return -EPROTOTYPE;
}

int troupe_fail_permission_denied(struct troupe_self *self, struct troupe_call call)
{
	(void)self;
	(void)call;
	return -EPERM;
}

struct troupe_address troupe_address(const struct troupe_self *self)
{
	struct troupe_address address = {0, 1, 1, 1, 1};

	(void)self;
	return address;
}

int troupe_send(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in)
{
	(void)self, (void)to, (void)in;
	expect(method == &hello_greet_method);
	seen.sent++;
	return 0;
}

int troupe_call(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in,
		const struct troupe_entry *entry, uint64_t context, uint64_t timeout_ns,
		uint32_t flags, struct troupe_request *ret_request)
{
	(void)self, (void)to, (void)in, (void)timeout_ns, (void)ret_request;
	expect(method == &hello_greet_method && context == 7 && flags == 0);
	seen.entry = entry;
	return 0;
}

int main(void)
{
	const struct troupe_handlers *handlers = troupe_actor_hello.interfaces[0];
	struct troupe_call call = {42};
	struct greeter state = {0};
	struct hello_greet in = {"you"};
	struct hello_greet_out out = {"hello", 5};
	struct hello_name_too_long too_long = {64};
	struct troupe_reply reply = {{sizeof(reply), TROUPE_ENTRY_REPLY},
				     TROUPE_OK,
				     0,
				     false,
				     &out,
				     NULL,
				     NULL,
				     NULL};
	char name[100];

	expect(troupe_actor_hello.abi_major == TROUPE_ABI_MAJOR);
	expect(strcmp(troupe_actor_hello.name, "hello") == 0);
	expect(handlers->n_handlers == 2 && handlers->interface == &hello_interface);
	expect(handlers->handlers[0](NULL, &state, call, &in) == 0);
	expect(seen.call == 42 && seen.method == &hello_greet_method && seen.number == 1);
	expect(strcmp(seen.text, "hello, you") == 0);

	memset(name, 'x', sizeof(name));
	name[99] = '\0';
	in.name = name;
	call.id = 43;
	expect(handlers->handlers[0](NULL, &state, call, &in) == 0);
	expect(seen.call == 43 && seen.error == &hello_name_too_long_error &&
	       seen.number == 64);

	call.id = 44;
	expect(handlers->handlers[1](NULL, &state, call, NULL) == 0);
	expect(seen.call == 44 && seen.not_implemented == 1);

	expect(on_greeted_entry.on_event(NULL, &state, 3, &reply) == 5 && state.count == 3);
	reply.status = TROUPE_ERROR;
	reply.data = &too_long;
	reply.error = &hello_name_too_long_error;
	expect(on_greeted_entry.on_event(NULL, &state, 4, &reply) == -64);
	reply.error = NULL; /* one that this interface does not know */
	expect(on_greeted_entry.on_event(NULL, &state, 4, &reply) == -2);

	expect(on_tick_entry.on_event(NULL, &state, 7, NULL) == 0);
	expect(seen.sent == 1 && seen.entry == &on_greeted_entry);
	expect(troupe_actor_hello.life->fini && troupe_actor_hello.life->on_room);
	return 0;
}
