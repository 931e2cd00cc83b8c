/* credentials.c - credentials of a socket's peer. */
#include "control/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#define GROUPS_GUESS 32

/* A peer with its supplementary groups; `size` bytes of room for them, made right when the
 * kernel wants more. */
static int read_groups(int fd, socklen_t size, struct credentials **ret_peer)
{
	struct credentials *peer = NULL;

	for (;;) {
		struct credentials *larger = realloc(peer, sizeof(*peer) + size);

		if (!larger) {
			free(peer);
			return -ENOMEM;
		}
		peer = larger;
		if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, peer->groups, &size) == 0)
			break;
		if (errno == ERANGE)
			continue; /* size now says how much it takes */
		size = 0; /* not a Unix socket, or one without groups: the primary one counts */
		break;
	}
	peer->public =
		(struct control_peer){.groups = peer->groups, .n_groups = size / sizeof(gid_t)};
	*ret_peer = peer;
	return 0;
}

int credentials_new(int fd, struct credentials **ret_peer)
{
	struct ucred credentials;
	socklen_t size = sizeof(credentials);
	struct credentials *peer = NULL;
	int r;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) < 0)
		return -errno;
	r = read_groups(fd, GROUPS_GUESS * sizeof(gid_t), &peer);
	if (r < 0)
		return r;
	peer->refs = 1;
	peer->public.uid = credentials.uid;
	peer->public.gid = credentials.gid;
	peer->public.pid = credentials.pid;
	*ret_peer = peer;
	return 0;
}

struct credentials *credentials_ref(struct credentials *peer)
{
	peer->refs++;
	return peer;
}

void credentials_unref(struct credentials *peer)
{
	if (peer && --peer->refs == 0)
		free(peer);
}
