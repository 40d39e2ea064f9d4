/* A manager and a host that do what they are told at once: what the bus face needs to be tested without
 * processes, cgroups or root. Defines the functions of manager.h, unit.h and host.h that dbus/ calls; link it
 * with libdbus and libunits, not with libmanager's own. */
#pragma once

#include "manager/host.h"

/* One loaded, active unit: web.service, started by the fake's own hand. */
struct host *fake_manager_new(sd_event *event, const struct manager_observer *observer);
struct host *fake_manager_free(struct host *host);
