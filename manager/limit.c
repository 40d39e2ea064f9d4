/* See limit.h. A fixed window, as systemd's start limit has it: it opens with the first occurrence and is not
 * moved by later ones. */
#include "manager/limit.h"

bool limit_allow(struct limit *limit, usec_t interval, unsigned burst, usec_t now)
{
	if (interval == 0 || burst == 0)
		return true;
	if (limit->begin == 0 || time_add(limit->begin, interval) <= now)
		*limit = (struct limit){.begin = now};
	if (limit->n >= burst)
		return false;
	limit->n++;
	return true;
}
