/* See filter-magic.h. The numbers are the kernel's (linux/magic.h, and each file system's own), the groups those of
 * systemd.exec(5), RestrictFileSystems=. Some have their number in common: who may use one may use the other. */
#include <string.h>

#include "base/macros.h"
#include "engine/filter-magic.h"

const struct filter_magic filter_magics[] = {
	{"9p", NULL, {0x01021997}},
	{"adfs", NULL, {0xadf5}},
	{"affs", NULL, {0xadff}},
	{"afs", "@network", {0x5346414f, 0x6b414653}},
	{"anon_inodefs", "@anonymous", {0x09041934}},
	{"apparmorfs", "@security", {0x5a3c69f0}},
	{"autofs", "@application", {0x0187}},
	{"bcachefs", NULL, {0xca451a4e}},
	{"bdev", NULL, {0x62646576}},
	{"befs", NULL, {0x42465331}},
	{"bfs", NULL, {0x1badface}},
	{"binder", NULL, {0x6c6f6f70}},
	{"binfmt_misc", "@auxiliary-api", {0x42494e4d}},
	{"bpf", "@privileged-api", {0xcafe4a11}},
	{"btrfs", "@common-block", {0x9123683e}},
	{"ceph", "@network", {0x00c36400}},
	{"cgroup", "@basic-api", {0x0027e0eb}},
	{"cgroup2", "@basic-api", {0x63677270}},
	{"cifs", "@network", {0xff534d42, 0xfe534d42}},
	{"coda", NULL, {0x73757245}},
	{"configfs", "@auxiliary-api", {0x62656570}},
	{"cramfs", NULL, {0x28cd3d45}},
	{"dax", NULL, {0x64646178}},
	{"debugfs", "@privileged-api", {0x64626720}},
	{"devmem", NULL, {0x454d444d}},
	{"devpts", "@basic-api", {0x1cd1}},
	{"devtmpfs", "@basic-api", {0x01021994, 0x858458f6}},
	{"dmabuf", NULL, {0x444d4142}},
	{"ecryptfs", NULL, {0xf15f}},
	{"efivarfs", "@auxiliary-api", {0xde5e81e4}},
	{"efs", NULL, {0x00414a53, 0x00072959}},
	{"erofs", "@common-block", {0xe0f5e1e2}},
	{"exfat", "@common-block", {0x2011bab0}},
	{"ext2", "@historical-block", {0xef53}},
	{"ext3", "@historical-block", {0xef53}},
	{"ext4", "@common-block", {0xef53}},
	{"f2fs", "@common-block", {0xf2f52010}},
	{"fuse", "@application", {0x65735546}},
	{"fuseblk", NULL, {0x65735546}},
	{"fusectl", "@auxiliary-api", {0x65735543}},
	{"gfs", "@network", {0x01161970}},
	{"gfs2", "@network", {0x01161970}},
	{"hfs", NULL, {0x4244}},
	{"hfsplus", NULL, {0x482b}},
	{"hostfs", NULL, {0x00c0ffee}},
	{"hpfs", NULL, {0xf995e849}},
	{"hugetlbfs", "@auxiliary-api", {0x958458f6}},
	{"iso9660", "@common-block", {0x9660}},
	{"jffs2", NULL, {0x72b6}},
	{"jfs", NULL, {0x3153464a}},
	{"minix", "@historical-block", {0x137f, 0x138f, 0x2468, 0x2478, 0x4d5a}},
	{"mqueue", "@basic-api", {0x19800202}},
	{"msdos", NULL, {0x4d44}},
	{"ncp", "@network", {0x564c}},
	{"ncpfs", "@network", {0x564c}},
	{"nfs", "@network", {0x6969}},
	{"nfs4", "@network", {0x6969}},
	{"nilfs2", NULL, {0x3434}},
	{"nsfs", NULL, {0x6e736673}},
	{"ntfs", NULL, {0x5346544e}},
	{"ntfs3", "@common-block", {0x7366746e}},
	{"ocfs2", "@network", {0x7461636f}},
	{"openpromfs", NULL, {0x9fa1}},
	{"orangefs", "@network", {0x20030528}},
	{"overlay", "@application", {0x794c7630}},
	{"pidfs", NULL, {0x50494446}},
	{"pipefs", "@anonymous", {0x50495045}},
	{"proc", "@basic-api", {0x9fa0}},
	{"pstore", "@privileged-api", {0x6165676c}},
	{"pvfs2", "@network", {0x20030528}},
	{"qnx4", NULL, {0x002f}},
	{"qnx6", NULL, {0x68191122}},
	{"ramfs", "@temporary", {0x858458f6}},
	{"reiserfs", NULL, {0x52654973}},
	{"resctrl", NULL, {0x07655821}},
	{"rpc_pipefs", "@auxiliary-api", {0x67596969}},
	{"secretmem", NULL, {0x5345434d}},
	{"securityfs", "@auxiliary-api", {0x73636673}},
	{"selinuxfs", "@security", {0xf97cff8c}},
	{"smackfs", "@security", {0x43415d53}},
	{"smb3", "@network", {0xfe534d42, 0xff534d42}},
	{"smbfs", "@network", {0x517b}},
	{"sockfs", "@anonymous", {0x534f434b}},
	{"squashfs", "@common-block", {0x73717368}},
	{"sysfs", "@basic-api", {0x62656572}},
	{"tmpfs", "@temporary", {0x01021994}},
	{"tracefs", "@privileged-api", {0x74726163}},
	{"udf", "@common-block", {0x15013346}},
	{"usbdevfs", NULL, {0x9fa2}},
	{"v7", NULL, {0x012ff7b7}},
	{"vboxsf", NULL, {0x786f4256}},
	{"vfat", "@common-block", {0x4d44}},
	{"virtiofs", NULL, {0x65735546}},
	{"xenfs", NULL, {0xabba1974}},
	{"xenix", NULL, {0x012ff7b4}},
	{"xfs", "@common-block", {0x58465342}},
	{"zonefs", NULL, {0x5a4f4653}},
};
const size_t filter_n_magics = ARRAY_SIZE(filter_magics);

const struct filter_magic *filter_magic_find(const char *name)
{
	for (size_t i = 0; i < filter_n_magics; i++)
		if (strcmp(filter_magics[i].name, name) == 0)
			return &filter_magics[i];
	return NULL;
}

bool filter_magic_in_group(const struct filter_magic *magic, const char *group)
{
	return strcmp(group, "@known") == 0 || (magic->group && strcmp(magic->group, group) == 0);
}

bool filter_magic_is_group(const char *name)
{
	for (size_t i = 0; i < filter_n_magics && *name == '@'; i++)
		if (filter_magic_in_group(&filter_magics[i], name))
			return true;
	return false;
}
