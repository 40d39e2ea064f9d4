/* The end of a service that has a record in utmp(5). Its beginning was written by the process itself, which a login program
 * expects to find there. */
#include <string.h>

#include "base/accounting.h"
#include "engine/attributes.h"
#include "manager/host-private.h"

void host_accounting_release(const struct unit_config *config)
{
	struct utmp record = {};
	char id[4];

	if (!config || !config->spec.utmp_identifier)
		return;
	attributes_accounting_id(config->spec.utmp_identifier, id);
	if (!accounting_find(id, &record) || record.ut_type == DEAD_PROCESS)
		return;
	record.ut_type = DEAD_PROCESS;
	memset(record.ut_user, 0, sizeof record.ut_user);
	memset(record.ut_host, 0, sizeof record.ut_host);
	accounting_write(&record);
}
