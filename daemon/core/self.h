/* self.h - what an actor may ask and do in a handler: its names, time, timers and children, its
 * own end.
 *
 * plugin/sdk.c binds each troupe_X() of <troupe/actor.h> to a self_X() here, in send.h,
 * answer.h or kept_message.h, which does what is said there: the effects, errors and ownership
 * are not repeated. One thread.
 */
#ifndef CORE_SELF_H
#define CORE_SELF_H

#include "core/activation.h"

uint64_t self_now_ns(struct troupe_self *self);
uint64_t self_random(struct troupe_self *self);
struct troupe_address self_sender(const struct troupe_self *self);
const char *self_name(const struct troupe_self *self);
const char *self_state_directory(const struct troupe_self *self); /* NULL: none */
uint32_t self_instance(const struct troupe_self *self);
int self_find(struct troupe_self *self, const char *name, struct troupe_address *ret_address);

int self_timer_start(struct troupe_self *self, const struct troupe_entry *entry,
		     uint64_t delay_ns, uint64_t period_ns, uint64_t context,
		     struct troupe_timer *ret_timer);
int self_timer_stop(struct troupe_self *self, struct troupe_timer timer);

int self_spawn(struct troupe_self *self, const struct troupe_actor *actor, const void *config,
	       uint32_t flags, struct troupe_address *ret_address);
int self_stop(struct troupe_self *self, struct troupe_address child);
void self_exit(struct troupe_self *self, int error);
/* The line, formatted and cut already. */
void self_log(struct troupe_self *self, int priority, const char *text);

#endif
