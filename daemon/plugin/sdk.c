/* What <troupe/actor.h> declares, bound to the runtime. The worker exports exactly these, by
 * sdk.symbols. */
#include "core/answer.h"
#include "core/forward.h"
#include "core/kept_message.h"
#include "core/self.h"
#include "core/send.h"
#include "proto/address.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <troupe/actor.h>

#define LOG_TEXT 2000 /* bytes of a line, as promised */

struct troupe_address troupe_address(const struct troupe_self *self)
{
	return runtime_self_address(self);
}

const char *troupe_name(const struct troupe_self *self)
{
	return self_name(self);
}

const char *troupe_state_directory(const struct troupe_self *self)
{
	return self_state_directory(self);
}

uint32_t troupe_instance(const struct troupe_self *self)
{
	return self_instance(self);
}

uint64_t troupe_now_ns(struct troupe_self *self)
{
	return self_now_ns(self);
}

uint64_t troupe_random(struct troupe_self *self)
{
	return self_random(self);
}

struct troupe_address troupe_sender(const struct troupe_self *self)
{
	return self_sender(self);
}

int troupe_find(struct troupe_self *self, const char *name, struct troupe_address *ret_address)
{
	return self_find(self, name, ret_address);
}

void troupe_address_print(struct troupe_address address, char *text)
{
	address_print(address, text);
}

int troupe_address_parse(const char *text, struct troupe_address *ret_address)
{
	return text ? address_parse(text, ret_address) : -EINVAL;
}

int troupe_send(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in)
{
	return self_send(self, to, method, in);
}

int troupe_call(struct troupe_self *self, struct troupe_address to,
		const struct troupe_method *method, const void *in,
		const struct troupe_entry *entry, uint64_t context, uint64_t timeout_ns,
		uint32_t flags, struct troupe_request *ret_request)
{
	return self_call(self, to, method, in, entry, context, timeout_ns, flags, ret_request);
}

int troupe_cancel(struct troupe_self *self, struct troupe_request request)
{
	return self_cancel(self, request);
}

int troupe_forward(struct troupe_self *self, struct troupe_address to)
{
	return self_forward(self, to);
}

int troupe_return(struct troupe_self *self, struct troupe_call call,
		  const struct troupe_method *method, const void *out)
{
	return self_return(self, call, method, out);
}

int troupe_reply(struct troupe_self *self, struct troupe_call call,
		 const struct troupe_method *method, const void *out)
{
	return self_reply(self, call, method, out);
}

int troupe_fail(struct troupe_self *self, struct troupe_call call,
		const struct troupe_error *error, const void *data)
{
	return self_fail(self, call, error, data);
}

int troupe_fail_parameter(struct troupe_self *self, struct troupe_call call, const char *field,
			  const char *reason)
{
	return self_fail_parameter(self, call, field, reason);
}

int troupe_fail_not_implemented(struct troupe_self *self, struct troupe_call call)
{
	return self_fail_status(self, call, TROUPE_METHOD_NOT_IMPLEMENTED);
}

int troupe_fail_expected_more(struct troupe_self *self, struct troupe_call call)
{
	return self_fail_status(self, call, TROUPE_EXPECTED_MORE);
}

int troupe_fail_permission_denied(struct troupe_self *self, struct troupe_call call)
{
	return self_fail_status(self, call, TROUPE_PERMISSION_DENIED);
}

bool troupe_call_wants_more(struct troupe_self *self, struct troupe_call call)
{
	return self_call_wants_more(self, call);
}

bool troupe_call_wants_reply(struct troupe_self *self, struct troupe_call call)
{
	return self_call_wants_reply(self, call);
}

int troupe_call_keep(struct troupe_self *self, struct troupe_call *call)
{
	return self_call_keep(self, call);
}

int troupe_call_drop(struct troupe_self *self, struct troupe_call call)
{
	return self_call_drop(self, call);
}

int troupe_keep(struct troupe_self *self, struct troupe_kept **ret_kept)
{
	return self_keep(self, ret_kept);
}

const void *troupe_kept_in(const struct troupe_kept *kept)
{
	return self_kept_in(kept);
}

void troupe_release(struct troupe_self *self, struct troupe_kept *kept)
{
	self_release(self, kept);
}

int troupe_timer_start(struct troupe_self *self, const struct troupe_entry *entry,
		       uint64_t delay_ns, uint64_t period_ns, uint64_t context,
		       struct troupe_timer *ret_timer)
{
	return self_timer_start(self, entry, delay_ns, period_ns, context, ret_timer);
}

int troupe_timer_stop(struct troupe_self *self, struct troupe_timer timer)
{
	return self_timer_stop(self, timer);
}

int troupe_spawn(struct troupe_self *self, const struct troupe_actor *actor, const void *config,
		 uint32_t flags, struct troupe_address *ret_address)
{
	return self_spawn(self, actor, config, flags, ret_address);
}

int troupe_stop(struct troupe_self *self, struct troupe_address child)
{
	return self_stop(self, child);
}

void troupe_exit(struct troupe_self *self, int error)
{
	self_exit(self, error);
}

void troupe_log(struct troupe_self *self, int priority, const char *format, ...)
{
	char text[LOG_TEXT + 1];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	self_log(self, priority, text);
}
