/* Elements of sets in the kernel's packet filter, for rules that somebody else keeps: NFTSet= of
 * systemd.resource-control(5). */
#pragma once

#include "base/failure.h"
#include "engine/filter-text.h"

/* Puts VALUE, a cgroup's, user's or group's id, into the set or takes it out. One transaction with the kernel, which answers at once. What
 * is in it already, or is to be taken out and not there, is no failure. -EINVAL: the set holds other things. */
int nft_change(const struct filter_set *set, uint64_t value, bool put, struct failure *failure);
