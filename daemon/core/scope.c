#include "core/scope.h"

void scope_tell(struct scope *scope)
{
	for (; scope && scope->cut; scope = scope->outer) {
		if (!scope->told)
			scope->told = scope->cut;
		if (scope->is_shield)
			break;
	}
}
