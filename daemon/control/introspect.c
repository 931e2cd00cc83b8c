/* introspect.c - org.varlink.service. */
#include "control/introspect.h"

#include "base/array.h"
#include "org.varlink.service.varlink.h"
#include <stdlib.h>
#include <string.h>

/* The interfaces' names, gathered for one reply. */
struct names {
	char **items;
	size_t count;
	bool failed;
};

static void add_name(void *list, const char *name)
{
	struct names *names = list;

	names->failed |= texts_add(&names->items, &names->count, name) < 0;
}

static void handle_info(void *context, struct control_call *call, const void *in)
{
	struct control_server *server = context;
	const struct control_config *config = &server->config;
	struct service_get_info_out out = {
		.vendor = config->vendor ? config->vendor : "",
		.product = config->product ? config->product : "",
		.version = config->version ? config->version : "",
		.url = config->url ? config->url : "",
	};
	struct names names = {0};

	(void)in;
	add_name(&names, service_interface.name);
	for (const struct control_service *const *at = config->services; at && *at; at++)
		add_name(&names, (*at)->interface->name);
	if (config->ops->list_interfaces)
		config->ops->list_interfaces(config->context, add_name, &names);
	/* Without memory for all of them, those that there was memory for. */
	out.interfaces.items = (const char *const *)names.items;
	out.interfaces.count = names.count;
	if (names.failed)
		host_trouble(server, "no memory to list all interfaces");
	(void)control_call_reply(call, &service_get_info_method, &out, false);
	texts_free(names.items, names.count);
}

static const char *find_description(const struct control_config *config, const char *name)
{
	if (strcmp(name, service_interface.name) == 0)
		return service_interface.description;
	for (const struct control_service *const *at = config->services; at && *at; at++)
		if (strcmp(name, (*at)->interface->name) == 0)
			return (*at)->interface->description;
	if (config->ops->describe_interface)
		return config->ops->describe_interface(config->context, name);
	return NULL;
}

static void handle_description(void *context, struct control_call *call, const void *in)
{
	struct control_server *server = context;
	const struct service_get_interface_description *input = in;
	struct service_get_interface_description_out out = {
		.description = find_description(&server->config, input->interface)};

	if (out.description)
		(void)control_call_reply(call, &service_get_interface_description_method, &out,
					 false);
	else
		control_call_interface_not_found(call, input->interface,
						 strlen(input->interface));
}

static const struct control_method methods[] = {
	{&service_get_info_method, CONTROL_OBSERVE, .handle = handle_info},
	{&service_get_interface_description_method, CONTROL_OBSERVE,
	 .handle = handle_description},
	{0},
};

const struct control_service introspect_service = {&service_interface, methods};
