"""What a database consists of, as sorted rows, so that two databases can be compared.

Compared in rows of the system catalogs: the text of a dump differs between two runs, and columns
stand in the order in which they were added.
"""

import asyncpg

_PARTS = {
    "tables": """
        select c.relname, c.relkind::text, c.relrowsecurity, c.relforcerowsecurity,
               coalesce(c.reloptions::text, ''), coalesce(c.relacl::text, '')
        from pg_class c where c.relnamespace = 'public'::regnamespace""",
    "columns": """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
               a.attidentity::text, a.attgenerated::text, coalesce(co.collname, ''),
               coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        from pg_attribute a join pg_class c on c.oid = a.attrelid
             left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
             left join pg_collation co on co.oid = a.attcollation
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm')
              and a.attnum > 0 and not a.attisdropped""",
    "constraints": """
        select conrelid::regclass::text, conname, contype::text, convalidated,
               pg_get_constraintdef(oid)
        from pg_constraint where connamespace = 'public'::regnamespace""",
    "indexes": """
        select c.relname, pg_get_indexdef(c.oid) from pg_class c
        where c.relnamespace = 'public'::regnamespace and c.relkind = 'i'""",
    "sequences": """
        select s.seqrelid::regclass::text, format_type(s.seqtypid, null), s.seqstart,
               s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle
        from pg_sequence s join pg_class c on c.oid = s.seqrelid
        where c.relnamespace = 'public'::regnamespace""",
    "policies": """
        select p.polrelid::regclass::text, p.polname, p.polcmd::text, p.polpermissive,
               array(select coalesce(r.rolname, 'public') from unnest(p.polroles) role
                     left join pg_roles r on r.oid = role order by 1)::text,
               coalesce(pg_get_expr(p.polqual, p.polrelid), ''),
               coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
        from pg_policy p""",
    "functions": """
        select p.proname, pg_get_functiondef(p.oid) from pg_proc p
        where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')""",
    "triggers": """
        select t.tgrelid::regclass::text, t.tgname, pg_get_triggerdef(t.oid)
        from pg_trigger t where not t.tgisinternal""",
    "types": """
        select t.typname, t.typtype::text,
               array(select e.enumlabel from pg_enum e where e.enumtypid = t.oid
                     order by e.enumsortorder)::text
        from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype in ('d', 'e')""",
    "comments": """
        select a.type, a.identity, d.description, d.objsubid
        from pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) a
        where a.schema = 'public' or a.identity like '% on public.%'""",
    "settings": """
        select coalesce(r.rolname, ''), s.setconfig::text
        from pg_db_role_setting s left join pg_roles r on r.oid = s.setrole
        where s.setdatabase = (select oid from pg_database where datname = current_database())""",
}


async def catalog_of(dsn: str) -> dict[str, list[tuple[object, ...]]]:
    """Part of the catalog -> its rows, sorted."""
    connection = await asyncpg.connect(dsn)
    try:
        return {
            part: sorted((tuple(row) for row in await connection.fetch(query)), key=repr)
            for part, query in _PARTS.items()
        }
    finally:
        await connection.close()


async def contents_of(dsn: str, *tables: str) -> dict[str, list[str]]:
    """The rows of some tables, as text, sorted."""
    connection = await asyncpg.connect(dsn)
    try:
        return {
            table: sorted(
                row["line"]
                for row in await connection.fetch(f'select t::text as line from "{table}" t')
            )
            for table in tables
        }
    finally:
        await connection.close()
