/**
 * Dead code of generated bindings. The statements of `instantiate`, and of the generator in it, that only
 * declare something are kept if something that acts can reach what they declare. Names are taken as one
 * scope: one that is declared twice keeps both.
 */
import type { AnyNode } from 'acorn';

const isNode = (value: unknown): value is AnyNode =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value;

/** A node's own children, in the order of the text. */
export function childrenOf(node: AnyNode): AnyNode[] {
  const children: AnyNode[] = [];
  for (const value of Object.values(node) as unknown[]) {
    if (Array.isArray(value)) children.push(...value.filter(isNode));
    else if (isNode(value)) children.push(value);
  }
  return children;
}

/** Constructors that do nothing but make an object. */
const MAKERS = new Set([
  'ArrayBuffer',
  'DataView',
  'Map',
  'Set',
  'TextDecoder',
  'TextEncoder',
  'Uint16Array',
  'Uint8Array',
  'WeakMap',
]);

/** Whether evaluating it does nothing that anybody could see. */
function isInert(node: AnyNode | null | undefined): boolean {
  switch (node?.type) {
    case undefined:
    case 'ArrowFunctionExpression':
    case 'ClassExpression':
    case 'FunctionExpression':
    case 'Identifier':
    case 'Literal':
      return true;
    case 'ArrayExpression':
    case 'ConditionalExpression':
    case 'LogicalExpression':
    case 'ObjectExpression':
    case 'Property':
    case 'TemplateLiteral':
    case 'TemplateElement':
    case 'BinaryExpression':
    case 'UnaryExpression':
    case 'MemberExpression':
      return childrenOf(node).every(isInert);
    case 'NewExpression':
      return isMaker(node.callee) && node.arguments.every((one) => isInert(one as AnyNode));
    case 'CallExpression':
      return isSymbol(node.callee) && node.arguments.every((one) => isInert(one as AnyNode));
    default:
      return false;
  }
}

const isMaker = (callee: AnyNode): boolean =>
  callee.type === 'Identifier'
    ? MAKERS.has(callee.name)
    : callee.type === 'MemberExpression' &&
      callee.property.type === 'Identifier' &&
      callee.property.name === 'Global';

const isSymbol = (callee: AnyNode): boolean =>
  callee.type === 'MemberExpression'
    ? isSymbol(callee.object)
    : callee.type === 'Identifier' && callee.name === 'Symbol';

/** What a pattern binds. */
function bound(pattern: AnyNode): string[] {
  if (pattern.type === 'Identifier') return [pattern.name];
  return childrenOf(pattern).flatMap(bound);
}

/** The names that a statement declares and does nothing else for; undefined when it acts. */
function declares(statement: AnyNode): string[] | undefined {
  switch (statement.type) {
    case 'EmptyStatement':
      return [];
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
      return statement.id === null ? [] : [statement.id.name];
    case 'VariableDeclaration': {
      const { declarations } = statement;
      const isPlain = declarations.every(
        ({ id, init }) => id.type === 'Identifier' && isInert(init as AnyNode),
      );
      return isPlain ? declarations.flatMap(({ id }) => bound(id as AnyNode)) : undefined;
    }
    case 'TryStatement': {
      // `try { reallocNAsync = WebAssembly.promising(…) } catch { … }`: it completes a declaration.
      const [only] = statement.block.body;
      if (only?.type !== 'ExpressionStatement' || only.expression.type !== 'AssignmentExpression')
        return undefined;
      const { left, right } = only.expression;
      const isPromising =
        right.type === 'CallExpression' &&
        right.callee.type === 'MemberExpression' &&
        right.callee.property.type === 'Identifier' &&
        right.callee.property.name === 'promising';
      return isPromising && left.type === 'Identifier' ? [left.name] : undefined;
    }
    default:
      return undefined;
  }
}

/** Names that a node mentions, those of properties left out. */
function mentions(node: AnyNode, found: Set<string>): Set<string> {
  if (node.type === 'Identifier') found.add(node.name);
  for (const child of childrenOf(node)) {
    const isPropertyName =
      (node.type === 'MemberExpression' && child === node.property && !node.computed) ||
      (node.type === 'Property' && child === node.key && !node.computed && !node.shorthand);
    if (!isPropertyName) mentions(child, found);
  }
  return found;
}

interface Unit {
  readonly statement: AnyNode;
  readonly declared: readonly string[] | undefined;
}

/** The body of the generator that instantiates, where this statement makes it. */
function generatorIn(statement: AnyNode): readonly AnyNode[] | undefined {
  if (statement.type !== 'VariableDeclaration') return undefined;
  const init = statement.declarations[0]?.init;
  const callee = init?.type === 'CallExpression' ? init.callee : undefined;
  return callee?.type === 'FunctionExpression' && callee.generator ? callee.body.body : undefined;
}

/** The statements of `instantiate`; those of its generator in the place of the one that makes it. */
function unitsOf(program: AnyNode): Unit[] {
  const instantiate = childrenOf(program).find(
    (node) => node.type === 'FunctionDeclaration' && node.id?.name === 'instantiate',
  );
  if (instantiate?.type !== 'FunctionDeclaration') return [];
  return instantiate.body.body
    .flatMap((statement) => generatorIn(statement) ?? [statement])
    .map((statement) => ({ statement, declared: declares(statement) }));
}

export interface Reached {
  /** Without the declarations that nothing reaches. */
  readonly body: string;
  /** What is left mentions these. */
  readonly names: ReadonlySet<string>;
}

export function withoutUnreached(body: string, parse: (body: string) => AnyNode): Reached {
  const units = unitsOf(parse(body));
  const declaredBy = new Map<string, Unit[]>();
  for (const unit of units) {
    for (const name of unit.declared ?? []) declaredBy.set(name, [...(declaredBy.get(name) ?? []), unit]);
  }
  const reached = new Set<Unit>();
  const names = new Set<string>();
  const waiting = units.filter(({ declared }) => declared === undefined);
  for (let unit = waiting.pop(); unit !== undefined; unit = waiting.pop()) {
    if (reached.has(unit)) continue;
    reached.add(unit);
    const mentioned = mentions(unit.statement, new Set());
    for (const name of mentioned) {
      names.add(name);
      waiting.push(...(declaredBy.get(name) ?? []));
    }
  }
  let at = 0;
  const parts: string[] = [];
  for (const unit of units) {
    if (reached.has(unit)) continue;
    parts.push(body.slice(at, unit.statement.start));
    at = unit.statement.end;
  }
  return { body: parts.join('') + body.slice(at), names };
}
