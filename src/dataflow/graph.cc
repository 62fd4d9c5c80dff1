#include "dataflow/graph.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <fmt/core.h>

namespace tidemark {

Status StepContext::may_go_on(size_t made_bytes, std::string_view maker) const {
  if (limits.cancelled != nullptr && limits.cancelled->load(std::memory_order_relaxed)) {
    return Status::cancelled("cancelled by the user");
  }
  if (made_bytes > limits.bytes_max) {
    return Status::invalid_argument(
               fmt::format("{} of this query makes more than {} MB of rows at once", maker,
                           limits.bytes_max >> 20))
        .with_sqlstate("54000")
        .with_hint("is a condition missing? --memory-limit sets the bound");
  }
  return {};
}

NodeId Graph::add_input() {
  nodes_.emplace_back();
  return nodes_.size() - 1;
}

NodeId Graph::add(std::unique_ptr<Operator> op, std::vector<NodeId> inputs) {
  NodeId id = nodes_.size();
  Node node;
  node.op = std::move(op);
  node.in.resize(inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    CHECK(inputs[i] < id);
    nodes_[inputs[i]].consumers.emplace_back(id, i);
  }
  nodes_.push_back(std::move(node));
  return id;
}

void Graph::set_output(std::unique_ptr<OutputOperator> output, NodeId input) {
  CHECK(output_ == nullptr);
  output_ = output.get();
  add(std::move(output), {input});
}

void Graph::deliver(Node& node, Delta delta) {
  if (exit_ && &node == &nodes_[*exit_]) {
    if (delta.reset) {
      exit_delta_.clear();
      exit_delta_.reset = true;
    }
    std::ranges::copy(delta.batches, std::back_inserter(exit_delta_.batches));
  }
  for (size_t c = 0; c < node.consumers.size(); ++c) {
    auto [id, port] = node.consumers[c];
    Node& consumer = nodes_[id];
    Delta& target = consumer.in[port];
    consumer.dirty = true;
    if (delta.reset) {
      target.clear();
      target.reset = true;
    }
    bool last = c + 1 == node.consumers.size();
    for (ZBatch& batch : delta.batches) {
      consumer.op->stats().rows_in += batch.rows.rows;
      consumer.op->stats().retractions += static_cast<uint64_t>(
          std::ranges::count_if(batch.weights, [](int64_t weight) { return weight < 0; }));
      target.batches.push_back(last ? std::move(batch) : batch);
    }
  }
}

void Graph::push(NodeId input, Delta delta) {
  CHECK(nodes_[input].op == nullptr);
  if (!delta.empty()) {
    deliver(nodes_[input], std::move(delta));
  }
}

void Graph::start() {
  for (Node& node : nodes_) {
    node.dirty = node.op != nullptr;
  }
}

Status Graph::run(StepContext& context) {
  context.eval.bytes_max = context.limits.bytes_max;
  context.eval.is_exceeded = false;
  for (Node& node : nodes_) {
    if (!node.dirty) {
      continue;
    }
    node.dirty = false;
    ran_.push_back(node.op.get());
    Delta out;
    auto begin = std::chrono::steady_clock::now();
    TRY(context.may_go_on(0));
    TRY(node.op->step(context, node.in, out));
    if (context.eval.is_exceeded) {
      TRY(context.may_go_on(SIZE_MAX, "an expression"));
    }
    node.op->stats().time_ns += static_cast<uint64_t>(
        std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count());
    for (Delta& in : node.in) {
      in.clear();
    }
    for (const ZBatch& batch : out.batches) {
      node.op->stats().rows_out += batch.rows.rows;
    }
    if (!out.empty()) {
      deliver(node, std::move(out));
    }
  }
  return {};
}

void Graph::commit() {
  for (Operator* op : ran_) {
    op->commit();
  }
  ran_.clear();
}

std::optional<std::string> Graph::error() const {
  for (const Node& node : nodes_) {
    if (node.op != nullptr) {
      if (std::optional<std::string> message = node.op->errors().first()) {
        return message;
      }
    }
  }
  return std::nullopt;
}

void Graph::visit_state(const NodeStateVisitor& visit) {
  for (NodeId id = 0; id < nodes_.size(); ++id) {
    if (nodes_[id].op != nullptr) {
      size_t place = 0;
      nodes_[id].op->visit_tables([&](StateTable& table) { visit(id, place++, table); });
    }
  }
}

bool Graph::index_loose(size_t entries_max) {
  bool is_some = false;
  for (Node& node : nodes_) {
    if (node.op != nullptr && !keeps_loose_ && !is_some) {
      node.op->visit_tables(
          [&](StateTable& table) { is_some = is_some || table.index_loose(entries_max); });
    }
  }
  return is_some;
}

size_t Graph::state_bytes() const {
  size_t bytes = 0;
  for (const Node& node : nodes_) {
    bytes += node.op ? node.op->state_bytes() : 0;
  }
  return bytes;
}

std::vector<Graph::NodeInfo> Graph::nodes() const {
  std::vector<NodeInfo> infos;
  for (const Node& node : nodes_) {
    if (node.op) {
      infos.push_back(
          {node.op->name(), node.op->state_bytes(), node.op->state_rows(), node.op->stats()});
    }
  }
  return infos;
}

}  // namespace tidemark
