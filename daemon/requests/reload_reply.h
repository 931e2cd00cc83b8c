/* reload_reply.h - the answer to Reload, given when what was changed runs or has failed.
 *
 * Belongs to the master; one thread. A unit that takes its time is waited for as long as it may
 * take, but never longer than a client's call.
 */
#ifndef REQUESTS_RELOAD_REPLY_H
#define REQUESTS_RELOAD_REPLY_H

struct master;

/* Units have changed: answer those whose time has come. */
void reload_replies_check(struct master *master);

#endif
