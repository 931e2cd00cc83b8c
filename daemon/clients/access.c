#include "clients/access.h"

static bool is_member(const struct control_peer *peer, const struct settings_group *group)
{
	if (!group->is_set)
		return false;
	if (peer->gid == group->gid)
		return true;
	for (size_t i = 0; i < peer->n_groups; i++)
		if (peer->groups[i] == group->gid)
			return true;
	return false;
}

enum control_level access_level(const struct settings *settings, uid_t own,
				const struct control_peer *peer)
{
	if (peer->uid == 0 || peer->uid == own || is_member(peer, &settings->deploy))
		return CONTROL_DEPLOY;
	if (is_member(peer, &settings->manage))
		return CONTROL_MANAGE;
	if (is_member(peer, &settings->call))
		return CONTROL_CALL;
	if (!settings->observe.is_set || is_member(peer, &settings->observe))
		return CONTROL_OBSERVE;
	return CONTROL_NOTHING;
}
