/* multi.h - curl's multi handles on an actor's watches and timers: one for each lane of the
 * queue (queue.h).
 *
 * Mostly that is one. Curl goes through the connections of a handle, in use or not, to find one
 * for a transfer, and again when the transfer is removed; so where they may be many they are
 * divided among several handles.
 *
 * curl says by callbacks which sockets to watch and when to wake it; these only note it, or
 * talk to the host. Nothing of curl is called from them. A socket is never watched for another
 * one: what curl 7.88 opens and gives up before it is connected it closes without a word, and
 * the next one may have the same number before curl has said anything of either. So until a
 * request was sent it is watched exactly as long as curl waits for it. After that curl says
 * when it closes it, and its watch is left as it is between two requests: mostly the next one
 * waits for the same.
 */
#ifndef HTTP_CLIENT_MULTI_H
#define HTTP_CLIENT_MULTI_H

#include "queue.h"
#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <troupe/io.h>

struct client;

struct multi {
	struct multi_lane {
		CURLM *handle;
		struct client *client;
		bool has_given_up;  /* an address: the transfer is to be looked at again */
		unsigned n_added;   /* transfers */
		int n_running;      /* of them, that are not done */
		uint64_t wanted_ns; /* when curl wants to be woken; 0: it does not */
	} lanes[QUEUE_LANES];
	struct multi_socket {
		struct troupe_watch watch; /* id 0: curl does not wait for it */
		uint32_t events;           /* what it waits for */
		unsigned lane;             /* whose it is */
		bool is_open;
		bool is_used;          /* a request was sent by it */
		bool is_idle;          /* curl does not wait for it, but it is watched */
		bool is_lost;          /* it could not be watched */
		uint64_t connected_ns; /* when it was ready for the first time; 0: not yet */
	} * sockets;                   /* by descriptor */
	size_t n_sockets;
	unsigned n_open; /* sockets */
	unsigned n_lost;
	uint64_t n_opened;
	unsigned most_open; /* what curl was told, all lanes together */
	struct troupe_timer timer;
	uint64_t timer_ns; /* when that is; 0: not running */
};

/* How many lanes there are when so many sockets may be open. */
unsigned multi_lanes(unsigned most);

/* As many lanes as the client's queue has. -ENOMEM. */
int multi_init(struct client *client);
/* Without transfers; closes all connections. */
void multi_fini(struct client *client);

/* Of sockets that may be open, idle ones included. */
void multi_limit(struct client *client, unsigned most);

/* Begin a transfer, or end it: its connection is closed if it was in the middle of something.
 * -ENOMEM. */
int multi_add(struct client *client, unsigned lane, CURL *easy);
void multi_remove(struct client *client, unsigned lane, CURL *easy);

/* Let a transfer go on that was paused. What curl has of its body comes at once; when that is
 * refused the transfer is over, and curl says so here only: not CURLE_OK, remove it. */
CURLcode multi_resume(struct client *client, unsigned lane, CURL *easy);

/* A socket is ready; the timer has ticked. Whether there is something for multi_next(). */
bool multi_on_ready(struct client *client, int fd, uint32_t events);
bool multi_on_tick(struct client *client);

/* A request is sent by it for the first time: from now on curl says when it is closed. */
void multi_use(struct client *client, int fd);

/* When a socket that was opened here got its connection; 0: it has none. */
uint64_t multi_connected_ns(const struct client *client, int fd);

/* The next transfer that is done, to be removed. NULL: none. Removing one costs as much as
 * there are others here: take all of them first. */
CURL *multi_next(struct client *client, CURLcode *ret_code);

/* For an easy handle's CLOSESOCKETFUNCTION, with the client as its data. */
int multi_close(void *client, curl_socket_t fd);
/* Open a socket, for a transfer of that lane. CURL_SOCKET_BAD: errno says why. */
curl_socket_t multi_open(struct client *client, unsigned lane,
			 const struct curl_sockaddr *address);

#endif
