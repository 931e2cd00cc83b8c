#include "clients/senders.h"

#include "base/hash.h"
#include "io.troupe.Worker.varlink.h"
#include "master/master.h"
#include "master/worker.h"
#include <stdlib.h>

struct sender {
	UT_hash_handle by_client;
	uint64_t client;
	uint64_t workers; /* a bit for each, by number - 1 */
};

_Static_assert(LIMIT_WORKERS <= 64, "a bit for each worker");

static struct sender *find_sender(struct senders *senders, uint64_t client)
{
	struct sender *sender;

	HASH_FIND(by_client, senders->by_client, &client, sizeof(client), sender);
	return sender;
}

static struct sender *get_sender(struct senders *senders, uint64_t client)
{
	struct sender *sender = find_sender(senders, client);

	if (sender)
		return sender;
	sender = calloc(1, sizeof(*sender));
	if (!sender)
		return NULL;
	sender->client = client;
	HASH_ADD(by_client, senders->by_client, client, sizeof(sender->client), sender);
	if (!sender->by_client.tbl) {
		free(sender);
		return NULL;
	}
	return sender;
}

uint64_t senders_note(struct master *master, uint64_t client, const struct worker *worker)
{
	struct sender *sender = client ? get_sender(master->senders, client) : NULL;

	if (!sender)
		return 0;
	sender->workers |= 1ull << (worker->number - 1);
	return client;
}

void senders_left(struct master *master, uint64_t client)
{
	struct sender *sender = find_sender(master->senders, client);
	struct worker_client_gone gone = {.client = (int64_t)client};

	if (!sender)
		return;
	for (unsigned i = 0; i < LIMIT_WORKERS; i++) {
		struct worker *worker = master->workers[i + 1];

		/* One that has gone knows nothing of it any more, and its successor never
		 * did. */
		if (worker && sender->workers >> i & 1)
			(void)worker_send(worker, &worker_client_gone_method, &gone, -1);
	}
	HASH_DELETE(by_client, master->senders->by_client, sender);
	free(sender);
}

void senders_fini(struct senders *senders)
{
	struct sender *sender, *next;

	HASH_ITER (by_client, senders->by_client, sender, next) {
		HASH_DELETE(by_client, senders->by_client, sender);
		free(sender);
	}
}
