// What every holder of a tree needs of its nodes (see the laws in ast_expr.h).

#include "sql/ast_statement.h"

namespace tidemark::sql {

ExprNode::ExprNode() = default;
ExprNode::ExprNode(ExprNode&&) noexcept = default;
ExprNode& ExprNode::operator=(ExprNode&&) noexcept = default;
ExprNode::~ExprNode() = default;

QueryBody::QueryBody() = default;
QueryBody::QueryBody(QueryBody&&) noexcept = default;
QueryBody& QueryBody::operator=(QueryBody&&) noexcept = default;
QueryBody::~QueryBody() = default;

RowPatternNode::RowPatternNode() = default;
RowPatternNode::RowPatternNode(RowPatternNode&&) noexcept = default;
RowPatternNode& RowPatternNode::operator=(RowPatternNode&&) noexcept = default;
RowPatternNode::~RowPatternNode() = default;

TableRefNode::TableRefNode() = default;
TableRefNode::TableRefNode(TableRefNode&&) noexcept = default;
TableRefNode& TableRefNode::operator=(TableRefNode&&) noexcept = default;
TableRefNode::~TableRefNode() = default;

TypeNode::TypeNode() = default;
TypeNode::TypeNode(TypeNode&&) noexcept = default;
TypeNode& TypeNode::operator=(TypeNode&&) noexcept = default;
TypeNode::~TypeNode() = default;

TableElement::TableElement() = default;
TableElement::TableElement(TableElement&&) noexcept = default;
TableElement& TableElement::operator=(TableElement&&) noexcept = default;
TableElement::~TableElement() = default;

AlterAction::AlterAction() = default;
AlterAction::AlterAction(AlterAction&&) noexcept = default;
AlterAction& AlterAction::operator=(AlterAction&&) noexcept = default;
AlterAction::~AlterAction() = default;

StatementNode::StatementNode() = default;
StatementNode::StatementNode(StatementNode&&) noexcept = default;
StatementNode& StatementNode::operator=(StatementNode&&) noexcept = default;
StatementNode::~StatementNode() = default;

}  // namespace tidemark::sql
