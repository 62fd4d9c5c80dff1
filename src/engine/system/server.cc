// pg_database, pg_roles, pg_settings, pg_stat_activity: the server and who uses it; and the tables
// of things that there are none of.

#include "engine/system/snapshot.h"
#include "engine/system/system_table.h"

namespace tidemark {

namespace {

void fill_databases(const SystemSnapshot& snapshot, SystemRows& rows) {
  int64_t oid = kOidDatabase;
  for (const std::string& catalog : snapshot.catalogs) {
    bool is_default = catalog == kDefaultCatalog;
    rows.add({{"oid", oid++}, {"datname", is_default ? std::string(kDatabaseName) : catalog}});
  }
}

// The role that owns all, and the users of CREATE USER.
template <typename Add>
void each_role(const SystemSnapshot& snapshot, Add add) {
  int64_t oid = kOidFirstObject;
  bool has_owner = false;
  for (const User& user : snapshot.users) {
    bool is_owner = user.name == kDefaultUser;
    has_owner = has_owner || is_owner;
    add(is_owner ? kOidOwner : oid, user.name);
    ++oid;
  }
  if (!has_owner) {
    add(kOidOwner, kDefaultUser);
  }
}

void fill_roles(const SystemSnapshot& snapshot, SystemRows& rows) {
  each_role(snapshot, [&](int64_t oid, const std::string& name) {
    rows.add({{"oid", oid}, {"rolname", name}});
  });
}

void fill_users(const SystemSnapshot& snapshot, SystemRows& rows) {
  each_role(snapshot, [&](int64_t oid, const std::string& name) {
    rows.add({{"usesysid", oid}, {"usename", name}});
  });
}

void fill_settings(const SystemSnapshot& snapshot, SystemRows& rows) {
  for (const auto& [name, value] : snapshot.settings) {
    rows.add({{"name", name}, {"setting", value}, {"boot_val", value}, {"reset_val", value}});
  }
}

void fill_tablespaces(const SystemSnapshot&, SystemRows& rows) {
  rows.add({{"oid", int64_t{1663}}, {"spcname", std::string("pg_default")}});
}

void fill_zones(const SystemSnapshot&, SystemRows& rows) {
  rows.add({{"name", std::string("UTC")}, {"abbrev", std::string("UTC")}});
}

constexpr SystemTable kServer[] = {
    {"pg_catalog", "pg_database", 1262,
     "oid:oid datname:name datdba:oid=10 encoding:int4=6 datlocprovider:char=c datistemplate:bool "
     "datallowconn:bool=true datconnlimit:int4=-1 datfrozenxid:xid datminmxid:xid "
     "dattablespace:oid=1663 datcollate:text=C datctype:text=C daticulocale:text=NULL "
     "datcollversion:text=NULL datacl:text[]=NULL",
     fill_databases},
    {"pg_catalog", "pg_roles", 12001,
     "rolname:name rolsuper:bool rolinherit:bool=true rolcreaterole:bool rolcreatedb:bool "
     "rolcanlogin:bool=true rolreplication:bool rolconnlimit:int4=-1 rolpassword:text=******** "
     "rolvaliduntil:timestamptz rolbypassrls:bool rolconfig:text[]=NULL oid:oid",
     fill_roles},
    {"pg_catalog", "pg_user", 12002,
     "usename:name usesysid:oid usecreatedb:bool usesuper:bool userepl:bool usebypassrls:bool "
     "passwd:text=******** valuntil:timestamptz useconfig:text[]=NULL",
     fill_users},
    {"pg_catalog", "pg_settings", 12003,
     "name:text setting:text unit:text=NULL category:text short_desc:text extra_desc:text=NULL "
     "context:text=user vartype:text=string source:text=session min_val:text=NULL "
     "max_val:text=NULL enumvals:text[]=NULL boot_val:text reset_val:text sourcefile:text=NULL "
     "sourceline:int4=NULL pending_restart:bool",
     fill_settings},
    {"pg_catalog", "pg_tablespace", 1213,
     "oid:oid spcname:name spcowner:oid=10 spcacl:text[]=NULL spcoptions:text[]=NULL",
     fill_tablespaces},
    {"pg_catalog", "pg_timezone_names", 12004,
     "name:text abbrev:text utc_offset:text=00:00:00 is_dst:bool", fill_zones},
};

constexpr SystemTable kEmpty[] = {
    {"pg_catalog", "pg_attrdef", 2604, "oid:oid adrelid:oid adnum:int2 adbin:text", nullptr},
    {"pg_catalog", "pg_auth_members", 1261, "roleid:oid member:oid grantor:oid admin_option:bool",
     nullptr},
    {"pg_catalog", "pg_cast", 2605,
     "oid:oid castsource:oid casttarget:oid castfunc:oid castcontext:char castmethod:char",
     nullptr},
    {"pg_catalog", "pg_conversion", 2607,
     "oid:oid conname:name connamespace:oid conowner:oid conforencoding:int4 contoencoding:int4 "
     "conproc:regproc condefault:bool",
     nullptr},
    {"pg_catalog", "pg_db_role_setting", 2964, "setdatabase:oid setrole:oid setconfig:text[]",
     nullptr},
    {"pg_catalog", "pg_default_acl", 826,
     "oid:oid defaclrole:oid defaclnamespace:oid defaclobjtype:char defaclacl:text[]", nullptr},
    {"pg_catalog", "pg_depend", 2608,
     "classid:oid objid:oid objsubid:int4 refclassid:oid refobjid:oid refobjsubid:int4 "
     "deptype:char",
     nullptr},
    {"pg_catalog", "pg_description", 2609, "objoid:oid classoid:oid objsubid:int4 description:text",
     nullptr},
    {"pg_catalog", "pg_shdescription", 2396, "objoid:oid classoid:oid description:text", nullptr},
    {"pg_catalog", "pg_enum", 3501, "oid:oid enumtypid:oid enumsortorder:float4 enumlabel:name",
     nullptr},
    {"pg_catalog", "pg_event_trigger", 3466,
     "oid:oid evtname:name evtevent:name evtowner:oid evtfoid:oid evtenabled:char evttags:text[]",
     nullptr},
    {"pg_catalog", "pg_extension", 3079,
     "oid:oid extname:name extowner:oid extnamespace:oid extrelocatable:bool extversion:text "
     "extconfig:oid[] extcondition:text[]",
     nullptr},
    {"pg_catalog", "pg_foreign_data_wrapper", 2328,
     "oid:oid fdwname:name fdwowner:oid fdwhandler:oid fdwvalidator:oid fdwacl:text[] "
     "fdwoptions:text[]",
     nullptr},
    {"pg_catalog", "pg_foreign_server", 1417,
     "oid:oid srvname:name srvowner:oid srvfdw:oid srvtype:text srvversion:text srvacl:text[] "
     "srvoptions:text[]",
     nullptr},
    {"pg_catalog", "pg_foreign_table", 3118, "ftrelid:oid ftserver:oid ftoptions:text[]", nullptr},
    {"pg_catalog", "pg_inherits", 2611,
     "inhrelid:oid inhparent:oid inhseqno:int4 inhdetachpending:bool", nullptr},
    {"pg_catalog", "pg_largeobject_metadata", 2995, "oid:oid lomowner:oid lomacl:text[]", nullptr},
    {"pg_catalog", "pg_locks", 12010,
     "locktype:text database:oid relation:oid pid:int4 mode:text granted:bool", nullptr},
    {"pg_catalog", "pg_opclass", 2616,
     "oid:oid opcmethod:oid opcname:name opcnamespace:oid opcowner:oid opcfamily:oid "
     "opcintype:oid opcdefault:bool opckeytype:oid",
     nullptr},
    {"pg_catalog", "pg_operator", 2617,
     "oid:oid oprname:name oprnamespace:oid oprowner:oid oprkind:char oprcanmerge:bool "
     "oprcanhash:bool oprleft:oid oprright:oid oprresult:oid oprcom:oid oprnegate:oid "
     "oprcode:regproc oprrest:regproc oprjoin:regproc",
     nullptr},
    {"pg_catalog", "pg_parameter_acl", 6243, "oid:oid parname:text paracl:text[]", nullptr},
    {"pg_catalog", "pg_partitioned_table", 3350,
     "partrelid:oid partstrat:char partnatts:int2 partdefid:oid partattrs:int2[] partclass:oid[] "
     "partcollation:oid[] partexprs:text",
     nullptr},
    {"pg_catalog", "pg_policy", 3256,
     "oid:oid polname:name polrelid:oid polcmd:char polpermissive:bool polroles:oid[] polqual:text "
     "polwithcheck:text",
     nullptr},
    {"pg_catalog", "pg_publication", 6104,
     "oid:oid pubname:name pubowner:oid puballtables:bool pubinsert:bool pubupdate:bool "
     "pubdelete:bool pubtruncate:bool pubviaroot:bool",
     nullptr},
    {"pg_catalog", "pg_publication_namespace", 6237, "oid:oid pnpubid:oid pnnspid:oid", nullptr},
    {"pg_catalog", "pg_publication_rel", 6106,
     "oid:oid prpubid:oid prrelid:oid prqual:text prattrs:int2[]", nullptr},
    {"pg_catalog", "pg_range", 3541,
     "rngtypid:oid rngsubtype:oid rngmultitypid:oid rngcollation:oid rngsubopc:oid "
     "rngcanonical:regproc rngsubdiff:regproc",
     nullptr},
    {"pg_catalog", "pg_rewrite", 2618,
     "oid:oid rulename:name ev_class:oid ev_type:char ev_enabled:char is_instead:bool ev_qual:text "
     "ev_action:text",
     nullptr},
    {"pg_catalog", "pg_sequence", 2224,
     "seqrelid:oid seqtypid:oid seqstart:int8 seqincrement:int8 seqmax:int8 seqmin:int8 "
     "seqcache:int8 seqcycle:bool",
     nullptr},
    {"pg_catalog", "pg_stat_activity", 12011,
     "datid:oid datname:name pid:int4 usesysid:oid usename:name application_name:text "
     "client_addr:text backend_start:timestamptz query_start:timestamptz state:text query:text "
     "backend_type:text wait_event_type:text wait_event:text xact_start:timestamptz",
     nullptr},
    {"pg_catalog", "pg_stat_user_tables", 12012,
     "relid:oid schemaname:name relname:name seq_scan:int8 n_live_tup:int8 n_dead_tup:int8",
     nullptr},
    {"pg_catalog", "pg_statistic_ext", 3381,
     "oid:oid stxrelid:oid stxname:name stxnamespace:oid stxowner:oid stxstattarget:int4 "
     "stxkeys:int2[] stxkind:text[] stxexprs:text",
     nullptr},
    {"pg_catalog", "pg_subscription", 6100,
     "oid:oid subdbid:oid subname:name subowner:oid subenabled:bool subbinary:bool substream:bool "
     "subtwophasestate:char subdisableonerr:bool subskiplsn:text subconninfo:text "
     "subslotname:name subsynccommit:text subpublications:text[]",
     nullptr},
    {"pg_catalog", "pg_trigger", 2620,
     "oid:oid tgrelid:oid tgparentid:oid tgname:name tgfoid:oid tgtype:int2 tgenabled:char "
     "tgisinternal:bool tgconstrrelid:oid tgconstrindid:oid tgconstraint:oid tgdeferrable:bool "
     "tginitdeferred:bool tgnargs:int2 tgattr:int2[] tgargs:text tgqual:text tgoldtable:name "
     "tgnewtable:name",
     nullptr},
    {"pg_catalog", "pg_ts_config", 3602, "oid:oid cfgname:name cfgnamespace:oid", nullptr},
    {"pg_catalog", "pg_ts_config_map", 3603,
     "mapcfg:oid maptokentype:int4 mapseqno:int4 mapdict:oid", nullptr},
    {"pg_catalog", "pg_ts_dict", 3600,
     "oid:oid dictname:name dictnamespace:oid dictowner:oid dicttemplate:oid dictinitoption:text",
     nullptr},
    {"pg_catalog", "pg_ts_parser", 3601,
     "oid:oid prsname:name prsnamespace:oid prsstart:regproc prstoken:regproc prsend:regproc "
     "prsheadline:regproc prslextype:regproc",
     nullptr},
    {"pg_catalog", "pg_ts_template", 3764,
     "oid:oid tmplname:name tmplnamespace:oid tmplinit:regproc tmpllexize:regproc", nullptr},
    {"pg_catalog", "pg_user_mappings", 12013,
     "umid:oid srvid:oid srvname:name umuser:oid usename:name umoptions:text[]", nullptr},
};

}  // namespace

std::span<const SystemTable> server_tables() {
  return kServer;
}

std::span<const SystemTable> empty_tables() {
  return kEmpty;
}

}  // namespace tidemark
