#include "clients/audit.h"

#include <inttypes.h>

static void init_user(struct audit_user *user, uid_t uid)
{
	user->uid = uid;
	rate_limit_init(&user->limit, LIMIT_AUDIT_INTERVAL_NS, LIMIT_AUDIT_BURST);
}

void audit_init(struct audit *audit)
{
	*audit = (struct audit){0};
	init_user(&audit->users[LIMIT_AUDITED_USERS], (uid_t)-1);
}

/* Whether nothing would be lost with it. */
static bool is_forgotten(const struct audit_user *user, uint64_t now_ns)
{
	return user->limit.suppressed == 0 &&
	       now_ns - user->limit.begin_ns >= LIMIT_AUDIT_INTERVAL_NS;
}

static struct audit_user *find_user(struct audit *audit, uid_t uid, uint64_t now_ns)
{
	struct audit_user *free = NULL;

	for (unsigned i = 0; i < audit->n; i++) {
		if (audit->users[i].uid == uid)
			return &audit->users[i];
		if (is_forgotten(&audit->users[i], now_ns))
			free = &audit->users[i];
	}
	if (audit->n < LIMIT_AUDITED_USERS)
		free = &audit->users[audit->n++];
	if (!free)
		return &audit->users[LIMIT_AUDITED_USERS];
	init_user(free, uid);
	return free;
}

static void log_left_out(const struct audit_user *user, struct log *log, uint64_t n)
{
	if (user->uid == (uid_t)-1)
		log_notice(log, "refused: and %" PRIu64 " more requests by many users", n);
	else
		log_notice(log, "refused: and %" PRIu64 " more requests by uid %u", n,
			   (unsigned)user->uid);
}

void audit_request(struct audit *audit, struct log *log, const struct control_peer *peer,
		   const char *method, const char *target, bool allowed, uint64_t now_ns)
{
	if (!allowed) {
		struct audit_user *user = find_user(audit, peer->uid, now_ns);
		uint64_t n = rate_limit_take_suppressed(&user->limit, now_ns);

		if (n > 0)
			log_left_out(user, log, n);
		if (!rate_limit_pass(&user->limit, now_ns))
			return;
	}
	log_notice(log, "%s: %s%s%s by uid %u, pid %d", allowed ? "request" : "refused", method,
		   target[0] ? " " : "", target, (unsigned)peer->uid, (int)peer->pid);
}

void audit_tick(struct audit *audit, struct log *log, uint64_t now_ns)
{
	for (unsigned i = 0; i <= LIMIT_AUDITED_USERS; i++) {
		struct audit_user *user = &audit->users[i];
		uint64_t n = rate_limit_take_suppressed(&user->limit, now_ns);

		if (n > 0)
			log_left_out(user, log, n);
	}
}
