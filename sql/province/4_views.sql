-- The views, and in Chinese what their columns mean: the exports take their headings from these comments.
CREATE VIEW province.bodies WITH (security_barrier) AS SELECT * FROM province.read_bodies();
CREATE VIEW province.title_events WITH (security_barrier) AS SELECT * FROM province.read_title_events();
CREATE VIEW province.submissions WITH (security_barrier) AS SELECT * FROM province.read_submissions();
CREATE VIEW province.obligations WITH (security_barrier) AS SELECT * FROM province.read_obligations();
CREATE VIEW province.results WITH (security_barrier) AS SELECT * FROM province.read_results();
CREATE VIEW province.documents WITH (security_barrier) AS SELECT * FROM province.read_documents();
CREATE VIEW province.counts WITH (security_barrier) AS SELECT * FROM province.read_counts();

COMMENT ON VIEW province.bodies IS '本省平台（中心）：当日的登记、依托单位、运营单位与资格';
COMMENT ON COLUMN province.bodies.programme IS '体系';
COMMENT ON COLUMN province.bodies.unit IS '代码';
COMMENT ON COLUMN province.bodies.name IS '名称';
COMMENT ON COLUMN province.bodies.kind IS '类别';
COMMENT ON COLUMN province.bodies.host_code IS '依托单位代码';
COMMENT ON COLUMN province.bodies.host_name IS '依托单位';
COMMENT ON COLUMN province.bodies.operator_code IS '运营单位代码';
COMMENT ON COLUMN province.bodies.operator_name IS '运营单位';
COMMENT ON COLUMN province.bodies.recognised_on IS '认定日期';
COMMENT ON COLUMN province.bodies.last_event IS '最近的资格事项';
COMMENT ON COLUMN province.bodies.last_event_on IS '最近事项日期';

COMMENT ON VIEW province.title_events IS '资格变动：认定、整改、撤销等，按日';
COMMENT ON COLUMN province.title_events.programme IS '体系';
COMMENT ON COLUMN province.title_events.unit IS '代码';
COMMENT ON COLUMN province.title_events.event IS '事项';
COMMENT ON COLUMN province.title_events.effective_on IS '生效日期';
COMMENT ON COLUMN province.title_events.basis IS '依据';
COMMENT ON COLUMN province.title_events.document_number IS '文号';

COMMENT ON VIEW province.submissions IS '报送与结论';
COMMENT ON COLUMN province.submissions.programme IS '体系';
COMMENT ON COLUMN province.submissions.period IS '年度';
COMMENT ON COLUMN province.submissions.unit IS '代码';
COMMENT ON COLUMN province.submissions.received_at IS '收到时间';
COMMENT ON COLUMN province.submissions.due_on IS '期限';
COMMENT ON COLUMN province.submissions.late IS '逾期';
COMMENT ON COLUMN province.submissions.outcome IS '结论';
COMMENT ON COLUMN province.submissions.counts IS '现行';

COMMENT ON VIEW province.obligations IS '应办事项：期限、状态与是否逾期';
COMMENT ON COLUMN province.obligations.programme IS '体系';
COMMENT ON COLUMN province.obligations.duty IS '事项';
COMMENT ON COLUMN province.obligations.period IS '年度';
COMMENT ON COLUMN province.obligations.unit IS '所涉单位';
COMMENT ON COLUMN province.obligations.owed_by IS '责任单位';
COMMENT ON COLUMN province.obligations.owed_to IS '报送对象';
COMMENT ON COLUMN province.obligations.opened_on IS '开始日期';
COMMENT ON COLUMN province.obligations.due_on IS '期限';
COMMENT ON COLUMN province.obligations.provisional IS '期限暂定';
COMMENT ON COLUMN province.obligations.state IS '状态';
COMMENT ON COLUMN province.obligations.ended_on IS '办结日期';
COMMENT ON COLUMN province.obligations.late IS '逾期';
COMMENT ON COLUMN province.obligations.rule_sha256 IS '所依规则指纹';

COMMENT ON VIEW province.results IS '已印发的评价结果：更正后以更正为准';
COMMENT ON COLUMN province.results.programme IS '体系';
COMMENT ON COLUMN province.results.period IS '年度';
COMMENT ON COLUMN province.results.unit IS '代码';
COMMENT ON COLUMN province.results.total IS '总分';
COMMENT ON COLUMN province.results.grade IS '等级';
COMMENT ON COLUMN province.results.passed IS '通过';
COMMENT ON COLUMN province.results.issued_on IS '印发日期';
COMMENT ON COLUMN province.results.corrected IS '经更正';

COMMENT ON VIEW province.documents IS '印发或抄送本省的文书';
COMMENT ON COLUMN province.documents.number IS '文号';
COMMENT ON COLUMN province.documents.title IS '标题';
COMMENT ON COLUMN province.documents.programme IS '体系';
COMMENT ON COLUMN province.documents.period IS '年度';
COMMENT ON COLUMN province.documents.unit IS '所涉单位';
COMMENT ON COLUMN province.documents.recipient IS '主送';
COMMENT ON COLUMN province.documents.issued_on IS '印发日期';

COMMENT ON VIEW province.counts IS '统计：按体系的件数';
COMMENT ON COLUMN province.counts.programme IS '体系';
COMMENT ON COLUMN province.counts.bodies IS '单位数';
COMMENT ON COLUMN province.counts.submissions IS '现行报送';
COMMENT ON COLUMN province.counts.late IS '其中逾期报送';
COMMENT ON COLUMN province.counts.open IS '待办事项';
COMMENT ON COLUMN province.counts.overdue IS '逾期事项';
COMMENT ON COLUMN province.counts.results IS '已印发结果';
COMMENT ON COLUMN province.counts.passed IS '通过';
COMMENT ON COLUMN province.counts.failed IS '未通过';

GRANT SELECT ON ALL TABLES IN SCHEMA province TO ipgov_province;
