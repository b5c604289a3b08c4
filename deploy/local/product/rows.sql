-- Rows are a pure function of their ids: every run of the demonstration has the same data.
CREATE FUNCTION pg_temp.dice(seed text, sides integer) RETURNS integer LANGUAGE sql IMMUTABLE
  RETURN ((hashtextextended(seed, 42) & 268435455) % sides)::integer;
CREATE FUNCTION pg_temp.pick(seed text, choices text[]) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN choices[1 + pg_temp.dice(seed, cardinality(choices))];

-- 200 customers: 8 core, 60 standard, 132 basic. The first has a million rows, the smallest a handful.
INSERT INTO customer
SELECT id, name, tier, plan, seats, locale, zone, created_at, scale FROM (
  SELECT n,
    CASE WHEN n = 20 THEN 'HZ-20418' ELSE 'HZ-' || (20400 + n * 7 + pg_temp.dice('id' || n, 5) + 20)::text END AS id,
    CASE
      WHEN n = 1 THEN '北辰物流有限公司'
      WHEN n = 20 THEN '远岸设计工作室'
      WHEN n % 4 = 0 THEN pg_temp.pick('en' || n, ARRAY['Alder','Birch','Cedar','Dover','Elm','Fjord','Garnet','Harbour','Iris','Juniper','Kestrel','Larch'])
        || ' ' || pg_temp.pick('field' || n, ARRAY['Architects','Logistics','Kindergarten','Clinic','Press','Robotics','Foods','Theatre','Law','Travel']) || ' ' || n
      ELSE pg_temp.pick('city' || n, ARRAY['青石','木棉','云栖','海棠','长汀','松间','白鹭','竹溪','南屏','澄湖','禾田','晴川'])
        || pg_temp.pick('trade' || n, ARRAY['出版社','幼儿园','物流','建筑事务所','诊所','机器人','食品','剧团','旅行社','书店']) || n || '号'
    END AS name,
    CASE WHEN n <= 8 THEN 'core' WHEN n <= 68 THEN 'standard' ELSE 'basic' END AS tier,
    CASE WHEN n <= 8 THEN 'enterprise' WHEN n <= 68 THEN 'team' ELSE 'starter' END AS plan,
    CASE WHEN n = 1 THEN 400 WHEN n <= 8 THEN 60 + pg_temp.dice('s' || n, 90) WHEN n = 20 THEN 20 WHEN n <= 68 THEN 5 + pg_temp.dice('s' || n, 30) ELSE 1 + pg_temp.dice('s' || n, 4) END AS seats,
    CASE WHEN n % 4 = 0 AND n <> 20 THEN 'en' ELSE 'zh-CN' END AS locale,
    CASE WHEN n % 4 = 0 AND n <> 20 THEN pg_temp.pick('z' || n, ARRAY['Europe/Berlin','America/New_York','Asia/Singapore','Asia/Shanghai']) ELSE 'Asia/Shanghai' END AS zone,
    timestamptz '2020-11-05 01:30:00Z' + make_interval(days => pg_temp.dice('c' || n, 1500)) AS created_at,
    CASE WHEN n = 1 THEN $1 WHEN n <= 8 THEN 8000 + pg_temp.dice('r' || n, 12000) WHEN n = 20 THEN 4200
         WHEN n <= 68 THEN 300 + pg_temp.dice('r' || n, 1700) ELSE 8 + pg_temp.dice('r' || n, 60) END AS scale
  FROM generate_series(1, 200) n) x
ORDER BY n;

-- The first member owns the account.
INSERT INTO member
SELECT row_number() OVER (ORDER BY c.id, n), c.id,
  CASE
    WHEN c.id = 'HZ-20418' AND n = 1 THEN '林晓雯'
    WHEN c.locale = 'en' THEN pg_temp.pick(c.id || n, ARRAY['Ada','Ben','Chloe','David','Elif','Farah','Grace','Hugo','Ines','Jonas']) || ' ' || pg_temp.pick('l' || c.id || n, ARRAY['Okafor','Larsen','Novak','Rossi','Silva','Tanaka','Weber','Young','O''Brien','Muñoz'])
    ELSE pg_temp.pick(c.id || n, ARRAY['王','李','张','刘','陈','杨','赵','黄','周','吴']) || pg_temp.pick('g' || c.id || n, ARRAY['晓雯','敏','立','磊','思远','雨桐','子涵','静怡','浩然','佳宁'])
  END,
  CASE WHEN c.id = 'HZ-20418' AND n = 1 THEN 'xiaowen@farshore.example' ELSE CASE n WHEN 1 THEN 'owner' ELSE 'member' || n END || '@' || lower(replace(c.id, '-', '')) || '.example' END,
  CASE n WHEN 1 THEN 'owner' ELSE 'member' END,
  c.created_at + make_interval(days => pg_temp.dice('j' || c.id || n, 300))
FROM customer c CROSS JOIN LATERAL generate_series(1, least(c.seats, greatest(1, c.scale / 4))) n;

INSERT INTO project
SELECT row_number() OVER (ORDER BY c.id, n), c.id,
  CASE WHEN c.locale = 'en' THEN pg_temp.pick('p' || c.id || n, ARRAY['Website relaunch','Spring catalogue','Hiring','Office move','Budget','Customer visits','Quality, phase','Training']) ELSE pg_temp.pick('p' || c.id || n, ARRAY['官网改版','春季画册','招聘','办公室搬迁','年度预算','客户回访','质量提升','培训']) END || ' ' || n,
  CASE WHEN pg_temp.dice('d' || c.id || n, 3) = 0 THEN NULL ELSE CASE WHEN c.locale = 'en' THEN E'Goals, "milestones" and notes.\nSee the wiki, page ' ELSE E'目标、“里程碑”与备注。\n详见知识库第 ' END || n END,
  pg_temp.dice('a' || c.id || n, 5) = 0,
  c.created_at + make_interval(days => n)
FROM customer c CROSS JOIN LATERAL generate_series(1, greatest(1, least(300, c.scale / 60))) n;

INSERT INTO task
SELECT row_number() OVER (ORDER BY c.id, n), c.id, p.first + (n % p.many),
  CASE WHEN c.locale = 'en' THEN pg_temp.pick('t' || c.id || n, ARRAY['Draft the outline','Call the supplier','Check the figures','Fix the login page','=SUM of hours, weekly','Prepare the release','Print samples','Ask for "final" approval']) ELSE pg_temp.pick('t' || c.id || n, ARRAY['撰写大纲','联系供应商','核对数据','修复登录页','=本周工时合计','准备发布','打样','请确认“终稿”']) END || ' #' || n,
  CASE pg_temp.dice('b' || c.id || n, 5) WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN E'- [ ] 第一步\r\n- [x] 第二步\r\n' WHEN 3 THEN 'Needs a second look, then ship it 🚀' ELSE '请在周五之前完成，并在评论里说明结果。' END,
  pg_temp.pick('st' || c.id || n, ARRAY['open','doing','review','done','done','done']),
  m.first + (n % m.many),
  CASE WHEN pg_temp.dice('du' || c.id || n, 3) > 0 THEN date '2026-01-01' + pg_temp.dice('due' || c.id || n, 400) END,
  CASE WHEN pg_temp.dice('es' || c.id || n, 2) = 0 THEN (pg_temp.dice('e' || c.id || n, 4000) / 100.0)::numeric(6,2) END,
  CASE pg_temp.dice('la' || c.id || n, 4) WHEN 0 THEN '{}'::text[] WHEN 1 THEN ARRAY['紧急'] WHEN 2 THEN ARRAY['design','v2, final'] ELSE ARRAY['客户','"VIP"'] END,
  jsonb_build_object('priority', pg_temp.dice('pr' || c.id || n, 5), 'watch', pg_temp.dice('w' || c.id || n, 2) = 0),
  p.since + make_interval(mins => n % 500000),
  CASE WHEN pg_temp.dice('dn' || c.id || n, 2) = 0 THEN p.since + make_interval(mins => n % 500000, hours => 30) END,
  p.since + make_interval(mins => n % 500000, hours => 30)
FROM customer c
CROSS JOIN LATERAL (SELECT min(id) AS first, count(*) AS many, min(created_at) AS since FROM project WHERE customer_id = c.id) p
CROSS JOIN LATERAL (SELECT min(id) AS first, count(*) AS many FROM member WHERE customer_id = c.id) m
CROSS JOIN LATERAL generate_series(1, greatest(2, c.scale / 4)) n;

INSERT INTO comment
SELECT row_number() OVER (ORDER BY c.id, n), c.id, t.first + (n % t.many), m.first + (n % m.many),
  CASE n % 7 WHEN 0 THEN '收到，谢谢！' WHEN 1 THEN 'Looks good to me 👍' WHEN 2 THEN E'两点意见：\n1. 标题再短一些\n2. 图片换成横版' WHEN 3 THEN 'See attachment, "v3 (final)".'
    WHEN 4 THEN '已更新，请再看一下第 ' || n || ' 条。' WHEN 5 THEN '+1' ELSE 'Moved to next week; the supplier needs until Tuesday, ' || (n % 31) END,
  t.since + make_interval(mins => (n % 600000)::integer)
FROM customer c
CROSS JOIN LATERAL (SELECT min(id) AS first, count(*) AS many, min(created_at) AS since FROM task WHERE customer_id = c.id) t
CROSS JOIN LATERAL (SELECT min(id) AS first, count(*) AS many FROM member WHERE customer_id = c.id) m
CROSS JOIN LATERAL generate_series(1, greatest(0, c.scale - (SELECT count(*) FROM task WHERE customer_id = c.id) - (SELECT count(*) FROM project WHERE customer_id = c.id) - m.many)) n;

INSERT INTO invoice
SELECT row_number() OVER (ORDER BY c.id, y), c.id, 'INV-' || y || '-' || substr(c.id, 4), make_date(y, 6, 16), make_date(y + 1, 6, 15), c.seats,
  c.seats * CASE c.plan WHEN 'enterprise' THEN 960 WHEN 'team' THEN 600 ELSE 240 END, 'CNY',
  pg_temp.pick('pay' || c.id || y, ARRAY['alipay','card','bank']), make_timestamptz(y, 6, 10, 2, 0, 0, 'UTC'),
  make_timestamptz(y, 6, 12, 6, 30, 0, 'UTC')
FROM customer c CROSS JOIN generate_series(2021, 2026) y
WHERE c.created_at < make_timestamptz(y, 6, 10, 0, 0, 0, 'UTC');

-- Nobody ever used approvals. The studio of the demonstration has 14 automations.
INSERT INTO automation
SELECT row_number() OVER (ORDER BY c.id, n), c.id,
  CASE WHEN c.locale = 'en' THEN pg_temp.pick('an' || c.id || n, ARRAY['Remind assignees','Assign new tasks','Move finished tasks','Tell the chat']) ELSE pg_temp.pick('an' || c.id || n, ARRAY['提醒负责人','分派新任务','归档已完成任务','通知群聊']) END || ' ' || n,
  CASE WHEN c.tier = 'core' AND n % 5 = 0 THEN 'webhook' ELSE pg_temp.pick('ak' || c.id || n, ARRAY['reminder','assign','move']) END,
  c.id = 'HZ-20418' OR pg_temp.dice('ae' || c.id || n, 8) > 0
FROM customer c
CROSS JOIN LATERAL generate_series(1, CASE WHEN c.id = 'HZ-20418' THEN 14 WHEN c.tier = 'core' THEN 20 + pg_temp.dice('au' || c.id, 40) WHEN c.tier = 'standard' THEN pg_temp.dice('au' || c.id, 12) ELSE pg_temp.dice('au' || c.id, 2) END) n;
