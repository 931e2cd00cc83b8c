/* introspect.c - the interfaces that can be called, and what they look like. */
#include "base/cleanup.h"
#include "ctl/interface.h"
#include "ctl/show.h"
#include "ctl/verbs.h"
#include "org.varlink.service.varlink.h"

static int list_interfaces(struct ctl *ctl)
{
	cleanup_free void *reply = NULL;
	const struct service_get_info_out *info;
	int r = ctl_ask_typed(ctl, &service_get_info_method, &(struct service_get_info){0},
			      &reply);

	if (r != STATUS_OK || !reply)
		return r;
	info = reply;
	for (size_t i = 0; i < info->interfaces.count; i++)
		show_print(ctl, "%s\n", info->interfaces.items[i]);
	return STATUS_OK;
}

int verb_introspect(struct ctl *ctl, char **arguments, int n)
{
	cleanup_free void *reply = NULL;
	int r;

	if (n == 0)
		return list_interfaces(ctl);
	r = ctl_ask_typed(
		ctl, &service_get_interface_description_method,
		&(struct service_get_interface_description){.interface = arguments[0]}, &reply);
	if (r == STATUS_OK && reply)
		show_print(ctl, "%s",
			   ((const struct service_get_interface_description_out *)reply)
				   ->description);
	return r;
}
