/* verb_introspect.c - the interfaces that can be called, and what they look like. */
#include "ctl/interface.h"
#include "ctl/show.h"
#include "ctl/verbs.h"
#include "org.varlink.service.varlink.h"

static int list_interfaces(struct ctl *ctl, const void *out)
{
	const struct service_get_info_out *info = out;

	for (size_t i = 0; i < info->interfaces.count; i++)
		show_print(ctl, "%s\n", info->interfaces.items[i]);
	return STATUS_OK;
}

static int show_description(struct ctl *ctl, const void *out)
{
	const struct service_get_interface_description_out *described = out;

	show_print(ctl, "%s", described->description);
	return STATUS_OK;
}

int verb_introspect(struct ctl *ctl, char **arguments, int n)
{
	return n == 0 ? ctl_show_each(ctl, &service_get_info_method, arguments, n,
				      list_interfaces)
		      : ctl_show_each(ctl, &service_get_interface_description_method, arguments,
				      n, show_description);
}
