#include "core/client.h"
#include <stdlib.h>

static uint64_t hash_client(const struct runtime *runtime, uint64_t number)
{
	return index_hash(runtime->secret, number, 1);
}

struct client *client_find(const struct runtime *runtime, uint64_t number)
{
	struct client *client;

	index_foreach (client, &runtime->clients, hash_client(runtime, number), link)
		if (client->number == number)
			return client;
	return NULL;
}

struct client *client_get(struct runtime *runtime, uint64_t number)
{
	struct client *client = client_find(runtime, number);

	if (client)
		return client;
	client = calloc(1, sizeof(*client));
	if (!client)
		return NULL;
	client->number = number;
	index_put(&runtime->clients, &client->link, hash_client(runtime, number));
	return client;
}

void client_free(struct runtime *runtime, struct client *client)
{
	index_remove(&runtime->clients, &client->link);
	free(client);
}

void clients_free(struct runtime *runtime)
{
	struct client *client;
	size_t at = 0;

	while ((client = index_take(&runtime->clients, &at, struct client, link)))
		free(client);
}
