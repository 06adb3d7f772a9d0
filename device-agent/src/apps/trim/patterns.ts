/**
 * The shapes in generated bindings that trim.ts takes out or looks into, as jco-transpile 0.15 writes them.
 * What does not have exactly such a shape is left alone.
 */
import type { AnyNode } from 'acorn';
import { childrenOf } from './reach.ts';

/** Variables of one call's books. */
const LOCALS = new Set(['createTask', 'hostProvided', 'parentTask', 'started', 'subtask', 'task']);

const isNamed = (node: AnyNode | null | undefined, name: string): boolean =>
  node?.type === 'Identifier' && node.name === name;

const isCallOf = (node: AnyNode, name: string): boolean =>
  node.type === 'CallExpression' && isNamed(node.callee, name);

const isMethodOf = (node: AnyNode, object: string): boolean =>
  node.type === 'MemberExpression' && isNamed(node.object, object);

/** The call that is handed to one of the books: `fn: () => …` of an object, or `() => …` itself. */
export function wrappedBy(node: AnyNode): AnyNode | undefined {
  let inner: AnyNode | undefined;
  if (node.type !== 'CallExpression') return undefined;
  const [args] = node.arguments as AnyNode[];
  if (isCallOf(node, '_trackHostOperation')) {
    inner = args;
  } else if (isCallOf(node, '_withGlobalCurrentTaskMeta') && args?.type === 'ObjectExpression') {
    const fn = args.properties.find(
      (property) => property.type === 'Property' && isNamed(property.key as AnyNode, 'fn'),
    );
    inner = fn?.type === 'Property' ? (fn.value as AnyNode) : undefined;
  }
  return inner?.type === 'ArrowFunctionExpression' ? inner.body : undefined;
}

export function isBookkeeping(node: AnyNode): boolean {
  switch (node.type) {
    case 'ExpressionStatement': {
      const expression = node.expression as AnyNode;
      if (expression.type === 'CallExpression') return isMethodOf(expression.callee, 'task');
      return (
        expression.type === 'AssignmentExpression' && isMethodOf(expression.left, 'CURRENT_TASK_MAY_BLOCK')
      );
    }
    case 'VariableDeclaration': {
      const { id, init } = node.declarations[0]!;
      if (id.type === 'Identifier') return LOCALS.has(id.name);
      return init !== null && init !== undefined && isCallOf(init, 'createNewCurrentTask');
    }
    case 'LabeledStatement':
      return node.label.name === 'taskCreation';
    case 'IfStatement': {
      const inside = node.consequent.type === 'BlockStatement' ? node.consequent.body : [];
      const onlyBooks = inside.length > 0 && inside.every((one) => isBookkeeping(one as AnyNode));
      return node.alternate == null && (onlyBooks || mentionsTask(node.test));
    }
    default:
      return false;
  }
}

/** What nobody needs, wherever it stands. */
export function isChatter(node: AnyNode): boolean {
  if (node.type !== 'ExpressionStatement') return false;
  const expression = node.expression as AnyNode;
  if (isCallOf(expression, '_debugLog')) return true;
  if (expression.type !== 'AssignmentExpression') return false;
  const { left } = expression;
  return left.type === 'MemberExpression' && isNamed(left.property, 'fnName');
}

/** A function that carries a call over the border: one import's, or one export's. */
export function isCrossing(node: AnyNode): boolean {
  if (node.type === 'VariableDeclarator') {
    return node.id.type === 'Identifier' && /^_trampoline\d+$/.test(node.id.name);
  }
  return (
    node.type === 'FunctionDeclaration' &&
    node.body.body.some(
      (one) =>
        one.type === 'VariableDeclaration' &&
        one.declarations[0]!.id.type === 'ArrayPattern' &&
        isBookkeeping(one),
    )
  );
}

const mentionsTask = (node: AnyNode): boolean => isNamed(node, 'task') || childrenOf(node).some(mentionsTask);

/** `_trampolineN.manuallyAsync ? … : _lowerImportBackwardsCompat.bind(null, { … })` → its two facts. */
export function loweredBy(node: AnyNode): { importFn: string; componentIdx: number } | undefined {
  if (node.type !== 'ConditionalExpression') return undefined;
  const bind = node.alternate as AnyNode;
  if (bind.type !== 'CallExpression' || !isMethodOf(bind.callee, '_lowerImportBackwardsCompat')) {
    return undefined;
  }
  const facts = new Map<string, AnyNode>();
  const meta = bind.arguments[1] as AnyNode | undefined;
  if (meta?.type !== 'ObjectExpression') return undefined;
  for (const property of meta.properties) {
    if (property.type === 'Property' && property.key.type === 'Identifier') {
      facts.set(property.key.name, property.value);
    }
  }
  const importFn = facts.get('importFn');
  const componentIdx = facts.get('componentIdx');
  const isPlain = ['isAsync', 'funcTypeIsAsync'].every((name) => {
    const fact = facts.get(name);
    return fact?.type === 'Literal' && fact.value === false;
  });
  if (!isPlain || importFn?.type !== 'Identifier' || componentIdx?.type !== 'Literal') return undefined;
  return { importFn: importFn.name, componentIdx: Number(componentIdx.value) };
}

/** `Object.assign(fn, { _jcoMaySuspend: false })` → `fn`. */
export function markedSync(node: AnyNode): AnyNode | undefined {
  if (node.type !== 'CallExpression' || !isMethodOf(node.callee, 'Object')) return undefined;
  const [fn, marks] = node.arguments as AnyNode[];
  if (marks?.type !== 'ObjectExpression' || marks.properties.length !== 1) return undefined;
  const [mark] = marks.properties;
  const isMark = mark?.type === 'Property' && isNamed(mark.key, '_jcoMaySuspend');
  return isMark && mark.value.type === 'Literal' && mark.value.value === false ? fn : undefined;
}
