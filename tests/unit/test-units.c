/* Whole units, from files in a scratch directory: search path, drop-ins, templates, aliases, masks,
 * containers, messages. */
#include <fcntl.h>
#include <ftw.h>
#include <linux/capability.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "units/load.h"
#include "units/directive.h"
#include "test.h"

#define CAP_BIT(name) (UINT64_C(1) << CAP_##name)

static char scratch[64];
static struct unit_search_path path;
static struct unit_config *config;
static const struct unit_specifiers outside = {.hostname = "host",
					       .machine_id = "machine",
					       .boot_id = "boot",
					       .kernel_release = "6.1",
					       .runtime_directory = "/run",
					       .state_directory = "/state"};

static int remove_one(const char *name, const struct stat *status _unused_, int type _unused_,
		      struct FTW *ftw _unused_)
{
	return remove(name);
}

static void end(void)
{
	config = unit_config_free(config);
	unit_search_path_free(&path);
	if (scratch[0])
		nftw(scratch, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	scratch[0] = '\0';
}

/* Two directories, "etc" before "lib". */
static void begin(void)
{
	char text[200];

	end();
	strcpy(scratch, "/tmp/test-units.XXXXXX");
	EXPECT(mkdtemp(scratch));
	snprintf(text, sizeof text, "%s/etc:%s/lib", scratch, scratch);
	EXPECT(unit_search_path_parse(text, false, &path) == 0 && path.n == 2);
}

static void write_file(const char *name, const char *text)
{
	char full[300], *slash;

	snprintf(full, sizeof full, "%s/%s", scratch, name);
	slash = strrchr(full, '/');
	*slash = '\0';
	EXPECT(fd_make_directories(full, 0755) == 0);
	*slash = '/';
	EXPECT(fd_replace_file_at(AT_FDCWD, full, text, strlen(text), 0644) == 0);
}

static void write_link(const char *name, const char *target)
{
	char full[300];

	write_file(name, "");
	snprintf(full, sizeof full, "%s/%s", scratch, name);
	EXPECT(unlink(full) == 0 && symlink(target, full) == 0);
}

static enum unit_load_state load(const char *name)
{
	config = unit_config_free(config);
	EXPECT(unit_load(&path, &outside, name, &config) == 0);
	return config->load_state;
}

/* The failure, with the scratch directory cut off. */
static const char *why(void)
{
	static char text[1024];

	failure_print(failure_kept(config->load_failure), text, sizeof text);
	return text_starts_with(text, scratch) ? text + strlen(scratch) + 1 : text;
}

static const char *joined(char **list)
{
	static char text[1024];
	char *all = text_list_join(list, " ");

	snprintf(text, sizeof text, "%s", all);
	free(all);
	return text;
}

static const char *fails(const char *text)
{
	write_file("etc/t.service", text);
	return load("t.service") == UNIT_BAD_SETTING ? why() : "loaded";
}

TEST(a_plain_service_and_its_defaults)
{
	begin();
	write_file("etc/web.service",
		   "[Unit]\nDescription=Web\n[Service]\nExecStart=/bin/web\nMemoryMax=1M\n");
	EXPECT(load("web.service") == UNIT_LOADED);
	EXPECT_TEXT(config->description, "Web");
	EXPECT(config->kind == UNIT_SERVICE && config->type == SERVICE_SIMPLE && !config->is_container);
	EXPECT(config->timeout_start == 90 * USEC_PER_SEC && !config->timeout_start_set);
	EXPECT(config->restart_delay == 100 * USEC_PER_MSEC && config->start_limit_burst == 5);
	EXPECT(config->kill_signal == SIGTERM && config->restart_kill_signal == SIGTERM &&
	       config->send_sigkill);
	EXPECT_TEXT(config->slice, "system.slice");
	EXPECT_TEXT(joined(config->dependencies[UNIT_CONFLICTS]), "shutdown.target");
	EXPECT_TEXT(joined(config->dependencies[UNIT_BEFORE]), "shutdown.target");
	EXPECT(!config->dependencies[UNIT_REQUIRES] && !config->dependencies[UNIT_AFTER]);
	EXPECT(!config->spec.private_mounts && config->spec.capability_bounding_set == SPEC_CAP_ALL);
}

TEST(origins_lead_to_lines)
{
	const char *directive;
	char where[256];

	begin();
	write_file("etc/web.service",
		   "[Container]\nImage=/\nExec=a\nVolume=/a:/b\nVolume=/c:/d\n\\\nDropCapability=all\n");
	write_file("etc/web.service.d/x.conf", "[Service]\n\nMemoryMax=1M\nMemoryMax=2M\n");
	EXPECT(load("web.service") == UNIT_LOADED);
	EXPECT(unit_config_origin(config, offsetof(struct spec, volumes), 1, where, sizeof where,
				  &directive));
	EXPECT(text_ends_with(where, "/etc/web.service:5"));
	EXPECT_TEXT(directive, "Volume");
	EXPECT(unit_config_origin(config, offsetof(struct spec, volumes), 0, where, sizeof where,
				  &directive));
	EXPECT(text_ends_with(where, "/etc/web.service:4"));
	EXPECT(unit_config_origin(config, SPEC_LIMITS_ORIGIN(memory_max), 0, where, sizeof where, NULL));
	EXPECT(text_ends_with(where, "/etc/web.service.d/x.conf:4"));
	EXPECT(unit_config_origin(config, offsetof(struct spec, capability_bounding_set), 0, where,
				  sizeof where, &directive));
	EXPECT_TEXT(directive, "DropCapability");
	EXPECT(!unit_config_origin(config, offsetof(struct spec, private_pids), 0, where, sizeof where,
				   &directive));
}

TEST(drop_ins_apply_by_name_and_hide_by_name)
{
	begin();
	write_file("lib/a-b@.service", "[Service]\nExecStart=/bin/web\nEnvironment=F=main\n");
	write_file("lib/a-b@1.service.d/20.conf", "[Service]\nEnvironment=F=hidden\n");
	write_file("etc/a-b@1.service.d/20.conf", "[Service]\nEnvironment=F=20\n");
	write_file("lib/a-b@1.service.d/10.conf", "[Service]\nEnvironment=F=10\n");
	write_file("etc/a-b@.service.d/15.conf", "[Service]\nEnvironment=F=15\n");
	write_file("etc/a-b@.service.d/10.conf", "[Service]\nEnvironment=F=less-particular\n");
	write_file("lib/a-.service.d/30.conf", "[Service]\nEnvironment=F=30\n");
	write_file("etc/service.d/05.conf", "[Service]\nEnvironment=F=05\n");
	write_file("etc/service.d/20.conf", "[Service]\nEnvironment=F=type-wide\n");
	write_file("etc/a-b@1.service.d/25.conf", "");
	write_file("lib/a-b@1.service.d/25.conf", "[Service]\nEnvironment=F=masked\n");
	write_file("etc/a-b@1.service.d/ignored.txt", "nonsense");
	EXPECT(load("a-b@1.service") == UNIT_LOADED);
	EXPECT_TEXT(joined(config->spec.environment), "F=main F=05 F=10 F=15 F=20 F=30");
	EXPECT(text_list_length(config->files) == 7);
	EXPECT(text_ends_with(config->files[0], "/lib/a-b@.service"));
}

TEST(drop_ins_reset_and_replace)
{
	begin();
	write_file("etc/web.service", "[Service]\nExecStart=/bin/one\nMemoryMax=1M\n");
	write_file("etc/web.service.d/a.conf", "[Service]\nExecStart=\nExecStart=/bin/two\nMemoryMax=\n");
	EXPECT(load("web.service") == UNIT_LOADED);
	EXPECT(config->commands[SERVICE_EXEC_START].n == 1);
	EXPECT_TEXT(config->commands[SERVICE_EXEC_START].items[0].path, "/bin/two");
	EXPECT(spec_limits(&config->spec)->memory_max == SPEC_UNSET);
}

TEST(templates_and_specifiers)
{
	begin();
	write_file(
		"etc/foo-web@.service",
		"[Service]\nExecStart=/bin/x %n %N %p %P %i %I %j %J %f %H %m %b %v %t %S %C %L %% %E %d %T %V %y %Y\n");
	EXPECT(load("foo-web@a-b\\x2dc.service") == UNIT_LOADED);
	config->commands[SERVICE_EXEC_START].items[0].argv[23][strlen(scratch)] = '\0';
	EXPECT_TEXT(config->commands[SERVICE_EXEC_START].items[0].argv[23], scratch);
	free(config->commands[SERVICE_EXEC_START].items[0].argv[24]);
	free(config->commands[SERVICE_EXEC_START].items[0].argv[23]);
	config->commands[SERVICE_EXEC_START].items[0].argv[23] = NULL;
	EXPECT_TEXT(
		joined(config->commands[SERVICE_EXEC_START].items[0].argv),
		"/bin/x foo-web@a-b\\x2dc.service foo-web@a-b\\x2dc foo-web foo/web a-b\\x2dc a/b-c web web /a/b-c host machine boot "
		"6.1 /run /state /var/cache /var/log % /etc /run/credentials/foo-web@a-b\\x2dc.service /tmp /var/tmp");
	write_file("etc/foo-web@.service.d/x.conf", "[Unit]\nAfter=%i.device\n");
	EXPECT(load("foo-web@.service") == UNIT_BAD_SETTING);
	EXPECT(strstr(why(), "a template cannot run"));
}

TEST(an_instance_may_have_a_file_of_its_own)
{
	begin();
	write_file("etc/t@.service", "[Service]\nExecStart=/bin/template\n");
	write_file("lib/t@1.service", "[Service]\nExecStart=/bin/one\n");
	EXPECT(load("t@1.service") == UNIT_LOADED);
	EXPECT_TEXT(config->commands[SERVICE_EXEC_START].items[0].path, "/bin/one");
	EXPECT(load("t@2.service") == UNIT_LOADED);
	EXPECT_TEXT(config->commands[SERVICE_EXEC_START].items[0].path, "/bin/template");
}

TEST(masked_missing_and_unreadable)
{
	char fifo[300];

	begin();
	write_file("lib/a.service", "[Service]\nExecStart=/bin/a\n");
	write_link("etc/a.service", "/dev/null");
	write_file("etc/b.service", "");
	write_file("etc/c.service/x", "");
	EXPECT(load("a.service") == UNIT_MASKED);
	EXPECT_TEXT(unit_file_state(&path, config), "masked");
	EXPECT(load("b.service") == UNIT_MASKED);
	EXPECT(load("c.service") == UNIT_ERROR);
	snprintf(fifo, sizeof fifo, "%s/etc/fifo.service", scratch);
	EXPECT(mkfifo(fifo, 0644) == 0);
	EXPECT(load("fifo.service") == UNIT_ERROR);
	write_file("etc/e.service", "[Service]\nExecStart=/bin/e\n");
	write_file("lib/e.service.d/a.conf", "nonsense");
	write_link("etc/e.service.d/a.conf", "/dev/null");
	EXPECT(load("e.service") == UNIT_LOADED);
	EXPECT(load("d.service") == UNIT_NOT_FOUND && !config->files);
	EXPECT_TEXT(unit_file_state(&path, config), "");
	EXPECT(load("../a.service") == UNIT_BAD_SETTING);
	EXPECT(load("a.socket") == UNIT_BAD_SETTING);
	EXPECT(strstr(why(), "not supported yet"));
}

TEST(aliases)
{
	begin();
	write_file("lib/real.service", "[Service]\nExecStart=/bin/real\n");
	write_link("etc/alias.service", "../lib/real.service");
	write_file("lib/t@.service", "[Service]\nExecStart=/bin/%i\n");
	write_link("etc/other@.service", "../lib/t@.service");
	write_link("etc/t@x.service", "../lib/t@.service");
	write_file("opt/far.service", "[Service]\nExecStart=/bin/far\n");
	write_link("etc/near.service", "../opt/far.service");
	write_link("etc/broken.service", "nowhere.service");
	EXPECT(load("alias.service") == UNIT_LOADED);
	EXPECT_TEXT(config->name, "real.service");
	EXPECT(load("other@1.service") == UNIT_LOADED);
	EXPECT_TEXT(config->name, "t@1.service");
	EXPECT(load("t@x.service") == UNIT_LOADED);
	EXPECT_TEXT(config->name, "t@x.service");
	EXPECT(load("near.service") == UNIT_LOADED);
	EXPECT_TEXT(config->name, "near.service");
	EXPECT_TEXT(unit_file_state(&path, config), "linked");
	EXPECT(load("broken.service") == UNIT_ERROR);
	EXPECT_TEXT(why(), "etc/broken.service: the link leads to no file: No such file or directory");
}

TEST(messages_name_the_line_and_the_nearest_key)
{
	EXPECT((begin(), true));
	EXPECT_TEXT(fails("[Service]\nExecStart=/bin/a \\\n# comment\n b \\\n c\n\nMemroyMax=1\n"),
		    "etc/t.service:7: unknown key 'MemroyMax=' in [Service]; did you mean 'MemoryMax='?");
	EXPECT_TEXT(fails("[Service]\nExecStart=/bin/a\nAfter=b.service\n"),
		    "etc/t.service:3: unknown key 'After=' in [Service]: it belongs to [Unit]");
	EXPECT_TEXT(fails("[Service]\nExecStart=/bin/a\nQwertzuiop=1\n"),
		    "etc/t.service:3: unknown key 'Qwertzuiop=' in [Service]");
	EXPECT_TEXT(fails("[Socket]\nA=1\n"), "etc/t.service:1: unknown section [Socket] in a service");
	EXPECT_TEXT(fails("[Servise]\nExecStart=/bin/a\n"),
		    "etc/t.service:1: unknown section [Servise] in a service; did you mean [Service]?");
	EXPECT_TEXT(fails("\n[container]\nImage=/\n"),
		    "etc/t.service:2: unknown section [container] in a service; did you mean [Container]?");
	EXPECT_TEXT(fails("[Service]\nExecStart=/bin/a\nRestrat=no\n"),
		    "etc/t.service:3: unknown key 'Restrat=' in [Service]; did you mean 'Restart='?");
	EXPECT_TEXT(fails("A=1\n"), "etc/t.service:1: 'A=' stands before the first section");
	EXPECT_TEXT(
		fails("[Service]\nType=\\\n\\\n what\n"),
		"etc/t.service:2: Type=: 'what' is none of: simple, exec, forking, oneshot, notify, notify-reload, idle");
	EXPECT_TEXT(fails("[Service]\nUser=0day\n"),
		    "etc/t.service:2: User=: '0day' is neither a valid name nor a valid id");
	EXPECT_TEXT(
		fails("[Service]\nnonsense\n"),
		"etc/t.service:2: neither a section heading, nor an assignment (Name=value), nor a comment");
	EXPECT_TEXT(fails("[Service]\nExecStart=/bin/a\nX-Mine=1\n[X-Ours]\nAnything=1\n"), "loaded");
	write_file("etc/t.service.d/a.conf", "[Service]\nRestart=sometimes\n");
	EXPECT(load("t.service") == UNIT_BAD_SETTING);
	EXPECT(text_starts_with(why(), "etc/t.service.d/a.conf:2: Restart=: 'sometimes' is none of"));
}

TEST(lenient_directories_warn_of_unknown_keys_only)
{
	begin();
	path.items[1].lenient = true;
	write_file("lib/a.service", "[Unit]\nFuture=1\n[Service]\nExecStart=/bin/a\n[Odd]\nX=1\nY=2\n");
	EXPECT(load("a.service") == UNIT_LOADED);
	EXPECT(text_list_length(config->warnings) == 2);
	EXPECT(strstr(config->warnings[0], "/lib/a.service:2: unknown key 'Future=' in [Unit]"));
	EXPECT(strstr(config->warnings[1], "/lib/a.service:5: unknown section [Odd]"));
	write_file("lib/b.service", "[Service]\nExecStart=/bin/a\nMemoryMax=lots\n");
	EXPECT(load("b.service") == UNIT_BAD_SETTING);
	write_file("etc/a.service.d/x.conf", "[Unit]\nFuture=1\n");
	EXPECT(load("a.service") == UNIT_BAD_SETTING);
}

TEST(what_a_whole_container_lacks_is_told_at_its_heading)
{
	begin();
	EXPECT_TEXT(fails("[Service]\n\n[Container]\nExec=/bin/a\n"),
		    "etc/t.service:3: the [Container] section needs Image=");
	EXPECT_TEXT(fails("[Container]\nImage=/\n[Service]\n[Container]\nHostName=x\n"),
		    "etc/t.service:1: the [Container] section needs Exec= or Entrypoint=");
	write_file("etc/t.service", "[Service]\nExecStart=/bin/a\n");
	write_file("etc/t.service.d/a.conf", "# more\n[Container]\nHostName=x\n");
	EXPECT(load("t.service") == UNIT_BAD_SETTING);
	EXPECT_TEXT(why(), "etc/t.service.d/a.conf:2: the [Container] section needs Image=");
}

TEST(what_makes_no_sense)
{
	begin();
	EXPECT(strstr(fails("[Unit]\nDescription=x\n"),
		      "etc/t.service: the service has neither ExecStart= nor ExecStop="));
	EXPECT(strstr(fails("[Service]\nExecStop=/bin/a\n"), "needs RemainAfterExit=yes"));
	EXPECT(strstr(fails("[Service]\nType=exec\nExecStop=/bin/a\n"),
		      "service:2: only a service with Type=oneshot"));
	EXPECT(strstr(fails("[Service]\nExecStop=/bin/a\nRemainAfterExit=yes\n"), "loaded"));
	EXPECT(config->type == SERVICE_ONESHOT && config->timeout_start == USEC_INFINITY);
	EXPECT(strstr(fails("[Service]\nExecStart=/bin/a\nExecStart=/bin/b\n"), "t.service:3: only"));
	EXPECT(strstr(fails("[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\n"), "loaded"));
	EXPECT(strstr(fails("[Service]\nType=oneshot\nExecStart=/bin/a\nRestart=always\n"),
		      "t.service:4: Type=oneshot cannot"));
	EXPECT(strstr(fails("[Service]\nType=forking\nExecStart=/bin/a\nPrivatePIDs=yes\n"),
		      "t.service:2: Type=forking needs"));
	EXPECT(strstr(fails("[Unit]\nRequires=t.service\n[Service]\nExecStart=/bin/a\n"),
		      "t.service:2: Requires= names the unit itself"));
	EXPECT(strstr(fails("[Unit]\nOnFailure=t.service\n[Service]\nExecStart=/bin/a\n"), "loaded"));
	EXPECT(strstr(fails("[Service]\nExecStart=/bin/a\nRestartMaxDelaySec=1\nRestartSec=5\n"),
		      "t.service:3: RestartMaxDelaySec="));
}

TEST(a_container_has_strict_defaults)
{
	const struct spec *spec;

	begin();
	write_file("etc/my_web@1.service",
		   "[Container]\nImage=/srv/web:/\nEntrypoint=/bin/web -x\nExec=one 'two three' -y\n");
	EXPECT(load("my_web@1.service") == UNIT_LOADED);
	spec = &config->spec;
	EXPECT(config->is_container && config->type == SERVICE_EXEC);
	EXPECT(spec->private_mounts && spec->private_pids && spec->private_ipc && spec->private_hostname &&
	       spec->private_network);
	EXPECT(spec->control_groups == SPEC_CONTROL_GROUPS_PRIVATE && spec->user_namespace == SPEC_USER_HOST);
	EXPECT(spec->mount_api_vfs && spec->run_init && spec->seccomp_default == SPEC_SECCOMP_CONTAINER);
	EXPECT(spec->capability_bounding_set ==
	       (CAP_BIT(CHOWN) | CAP_BIT(DAC_OVERRIDE) | CAP_BIT(FOWNER) | CAP_BIT(FSETID) | CAP_BIT(KILL) |
		CAP_BIT(NET_BIND_SERVICE) | CAP_BIT(SETFCAP) | CAP_BIT(SETGID) | CAP_BIT(SETPCAP) |
		CAP_BIT(SETUID) | CAP_BIT(SYS_CHROOT)));
	EXPECT_TEXT(spec->hostname, "my-web-1");
	EXPECT_TEXT(joined(spec->image_layers), "/srv/web /");
	EXPECT_TEXT(config->commands[SERVICE_EXEC_START].items[0].path, "/bin/web");
	EXPECT_TEXT(joined(config->commands[SERVICE_EXEC_START].items[0].argv),
		    "/bin/web -x one two three -y");
}

TEST(a_container_says_otherwise)
{
	const struct spec *spec;

	begin();
	write_file(
		"etc/t.service",
		"[Container]\nImage=/\nExec=a\nNetwork=host\nSeccompProfile=unconfined\nDropCapability=all\n"
		"AddCapability=NET_BIND_SERVICE\nUser=www\nUIDMap=0:1000:5\nUpperDirectory=/var/u\nRunInit=no\nNotify=yes\n"
		"StopSignal=INT\nStopTimeout=3\nMemory=1M\nHostName=h\n"
		"[Service]\nPrivatePIDs=no\nPrivateIPC=no\nProtectControlGroups=strict\n");
	EXPECT(load("t.service") == UNIT_LOADED);
	spec = &config->spec;
	EXPECT(!spec->private_network && !spec->private_pids && !spec->private_ipc && spec->private_mounts &&
	       !spec->run_init);
	EXPECT(spec->seccomp_default == SPEC_SECCOMP_NONE &&
	       spec->control_groups == SPEC_CONTROL_GROUPS_STRICT);
	EXPECT(spec->capability_bounding_set == CAP_BIT(NET_BIND_SERVICE));
	EXPECT(spec->ambient_capabilities == CAP_BIT(NET_BIND_SERVICE));
	EXPECT(spec->user_namespace == SPEC_USER_MAP && spec->gid_map.n_ranges == 1 &&
	       spec->gid_map.ranges[0].outside == 1000);
	EXPECT(spec->upper == SPEC_UPPER_PERSISTENT && config->type == SERVICE_NOTIFY);
	EXPECT(config->notify_access == SERVICE_NOTIFY_MAIN && config->kill_signal == SIGINT);
	EXPECT(config->timeout_stop == 3 * USEC_PER_SEC && spec_limits(spec)->memory_max == 1 << 20);
	EXPECT_TEXT(spec->hostname, "h");
	/* An empty value is the container's default again, not the host's. */
	write_file("etc/t.service.d/x.conf", "[Container]\nSeccompProfile=\nNetwork=\n");
	EXPECT(load("t.service") == UNIT_LOADED);
	EXPECT(config->spec.seccomp_default == SPEC_SECCOMP_CONTAINER && config->spec.private_network);
}

TEST(containers_that_make_no_sense)
{
	begin();
	EXPECT(strstr(fails("[Container]\nExec=a\n"), "needs Image="));
	EXPECT(strstr(fails("[Container]\nImage=/\n"), "needs Exec= or Entrypoint="));
	EXPECT(strstr(fails("[Container]\nImage=/\nExec=a\n[Service]\nExecStart=/bin/a\n"),
		      "t.service:5: ExecStart= and"));
	EXPECT(strstr(fails("[Container]\nImage=/\nExec=a\nUserNS=auto\nUIDMap=0:1:1\n"),
		      "t.service:4: UIDMap="));
	EXPECT(strstr(fails("[Container]\nImage=/\nExec=a\nUpper=ephemeral\nUpperDirectory=/u\n"),
		      "t.service:4: UpperDirectory="));
	EXPECT(strstr(fails("[Container]\nImage=/\nExec=a\nPublishPort=80:80\n"),
		      "t.service:4: unknown key 'PublishPort='"));
	EXPECT(strstr(fails("[Container]\nImage=/\nExec=./a\n"), "t.service:3: the command is neither"));
	EXPECT(strstr(fails("[Container]\nImage=/\nExec=a\n[Service]\nType=forking\n"),
		      "t.service:5: Type=forking needs"));
}

TEST(quadlet_files_are_services)
{
	char **names, **paths;

	begin();
	write_file(
		"etc/web.container",
		"[Unit]\nDescription=Web\n[Container]\nImage=/\nExec=web\n[Install]\nWantedBy=default.target\n");
	write_file("etc/db@.container", "[Container]\nImage=/\nExec=db %i\n");
	write_file("etc/web.container.d/x.conf", "[Container]\nReadOnly=yes\n");
	EXPECT(load("web.service") == UNIT_LOADED && config->is_container && config->spec.read_only_root);
	EXPECT(load("db@1.service") == UNIT_LOADED);
	EXPECT_TEXT(joined(config->commands[SERVICE_EXEC_START].items[0].argv), "db 1");
	EXPECT(unit_list_files(&path, &names, &paths) == 0);
	EXPECT_TEXT(joined(names), "db@.service web.service");
	EXPECT(text_ends_with(paths[1], "/etc/web.container"));
	text_list_free(names);
	text_list_free(paths);
}

TEST(links_in_wants_folders)
{
	begin();
	write_file("lib/default.target", "[Unit]\nDescription=All\nWants=a.service\n");
	write_file("lib/a.service", "[Service]\nExecStart=/bin/a\n[Install]\nWantedBy=default.target\n");
	write_file("lib/b.service", "[Service]\nExecStart=/bin/b\n[Install]\nWantedBy=default.target\n");
	write_file("lib/c.service", "[Service]\nExecStart=/bin/c\n");
	EXPECT(load("b.service") == UNIT_LOADED);
	EXPECT_TEXT(unit_file_state(&path, config), "disabled");
	write_link("etc/default.target.wants/a.service", "../../lib/a.service");
	write_link("etc/default.target.wants/b.service", "../../lib/b.service");
	write_link("etc/default.target.requires/c.service", "../../lib/c.service");
	EXPECT(load("b.service") == UNIT_LOADED);
	EXPECT_TEXT(unit_file_state(&path, config), "enabled");
	EXPECT(load("default.target") == UNIT_LOADED);
	EXPECT_TEXT(joined(config->dependencies[UNIT_WANTS]), "a.service b.service");
	EXPECT_TEXT(joined(config->dependencies[UNIT_REQUIRES]), "c.service");
	EXPECT_TEXT(unit_file_state(&path, config), "static");
}

TEST(fingerprints_change_with_the_files)
{
	uint64_t first, second;

	begin();
	write_file("lib/a.service", "[Service]\nExecStart=/bin/a\n");
	first = unit_fingerprint(&path, "a.service");
	EXPECT(first == unit_fingerprint(&path, "a.service"));
	write_file("etc/b.service", "[Service]\nExecStart=/bin/b\n");
	EXPECT(first == unit_fingerprint(&path, "a.service"));
	write_file("lib/a.service", "[Service]\nExecStart=/bin/aa\n");
	second = unit_fingerprint(&path, "a.service");
	EXPECT(second != first);
	write_file("etc/a.service.d/x.conf", "[Service]\nNice=1\n");
	EXPECT(unit_fingerprint(&path, "a.service") != second);
	EXPECT(unit_fingerprint(&path, "none.service") == unit_fingerprint(&path, "none.service"));
}

TEST(a_file_by_itself)
{
	char file[300];

	begin();
	write_file("x/v.service", "[Service]\nExecStart=/bin/%p\nBogus=1\n");
	snprintf(file, sizeof file, "%s/x/v.service", scratch);
	EXPECT(unit_load_file(&outside, file, &config) == 0);
	EXPECT(config->load_state == UNIT_BAD_SETTING);
	EXPECT(text_ends_with(failure_kept(config->load_failure)->where, "/x/v.service:3"));
	write_file("x/v@.service", "[Service]\nExecStart=/bin/%p\n");
	snprintf(file, sizeof file, "%s/x/v@.service", scratch);
	config = unit_config_free(config);
	EXPECT(unit_load_file(&outside, file, &config) == 0 && config->load_state == UNIT_LOADED);
	config = unit_config_free(config);
	EXPECT(unit_load_file(&outside, "/nowhere/v.service", &config) == 0 &&
	       config->load_state == UNIT_ERROR);
	config = unit_config_free(config);
	EXPECT(unit_load_file(&outside, "/etc/passwd", &config) == 0 &&
	       config->load_state == UNIT_BAD_SETTING);
}

TEST(names)
{
	enum unit_kind kind;
	char *name;

	EXPECT(unit_name_parse("a.target", &kind, NULL) == 0 && kind == UNIT_TARGET);
	EXPECT(unit_name_parse("a@b.service", &kind, NULL) == 0 && kind == UNIT_SERVICE);
	EXPECT(unit_name_parse("web", NULL, NULL) < 0 && unit_name_parse(".service", NULL, NULL) < 0);
	EXPECT(unit_name_parse("a/b.service", NULL, NULL) < 0 &&
	       unit_name_parse("a b.service", NULL, NULL) < 0);
	EXPECT(unit_name_parse("@b.service", NULL, NULL) < 0);
	EXPECT(unit_name_valid("a.socket") && unit_name_valid("-.mount") && !unit_name_valid("a.conf"));
	EXPECT(unit_name_is_template("a@.service") && !unit_name_is_template("a@b.service") &&
	       !unit_name_is_template("a.service"));
	name = unit_name_template("a@b.c.service");
	EXPECT_TEXT(name, "a@.service");
	free(name);
	EXPECT(!unit_name_template("a.service") && !unit_name_template("a@.service"));
	end();
}

TEST_MAIN
